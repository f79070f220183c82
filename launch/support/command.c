#include "launch/support/command.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/base/status.h"
#include "common/base/suggest.h"
#include "launch/support/args.h"

typedef struct {
    const pt_commands *commands;
    const char *word; /* NULL: none was given */
} choice;

/* It is none of the commands, or it would have been run. */
static pt_status refuse(const void *given)
{
    const choice *o = given;
    const char *names[PT_COMMANDS_MAX + 3] = {"help", "version"};
    char near[PT_DID_YOU_MEAN];

    for (size_t i = 0; i < o->commands->n; i++) names[2 + i] = o->commands->list[i].name;
    return pt_fail(PT_ERR_USAGE, "unknown command '%.100s'%s", o->word,
                   pt_did_you_mean(o->word, names, "", near));
}

/* Everything that no command answers: help of them all, the version, a fault. */
static int answer(const pt_commands *c, int argc, char **argv)
{
    choice o = {.commands = c};
    const pt_arg word = {.operand = c->choice, .text = &o.word};
    char text[2048];
    const pt_args args = {.command = c->name,
                          .about = text,
                          .example = c->example,
                          .table = &word,
                          .n = 1,
                          .check = refuse,
                          .given = &o};
    size_t at = (size_t)snprintf(text, sizeof text, "%s\n\n", c->about);
    int code;

    for (size_t i = 0; i < c->n && at < sizeof text; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "  %-10s %s\n",
                               c->list[i].name, c->list[i].about);
    if (at < sizeof text)
        snprintf(text + at, sizeof text - at,
                 "  %-10s explain one of these, as in `ptrain %s%shelp %s`\n", "help",
                 c->name, *c->name ? " " : "", c->list[0].name);
    if (argc > 1 || *c->name) return pt_args_read(&args, argc, argv, &code) ? 0 : code;
    pt_args_print_help(&args, stderr);
    return pt_status_exit_code(PT_ERR_USAGE);
}

/* `help A B` is `A B --help`, `help` is `--help`. */
static int help(const pt_commands *c, int argc, char **argv)
{
    static char option[] = "--help";

    memmove(argv + 1, argv + 2, (size_t)(argc - 2) * sizeof *argv);
    argv[argc - 1] = option;
    return pt_commands_run(c, argc, argv);
}

int pt_commands_run(const pt_commands *c, int argc, char **argv)
{
    static char version[] = "--version";
    const char *word = argc > 1 ? argv[1] : "";

    for (const pt_command *o = c->list; o < c->list + c->n; o++)
        if (strcmp(word, o->name) == 0)
            return o->own ? pt_commands_run(o->own, argc - 1, argv + 1)
                          : o->run(argc - 1, argv + 1);
    if (strcmp(word, "help") == 0) return help(c, argc, argv);
    if (strcmp(word, "version") == 0) argv[1] = version;
    return answer(c, argc > 1 ? 2 : argc, argv);
}
