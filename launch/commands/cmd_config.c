#include "launch/commands/commands.h"

#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/suggest.h"
#include "common/config/config.h"
#include "launch/support/args.h"
#include "launch/support/terminal.h"
#include "launch/train/files.h"

typedef struct {
    const char *file;
    pt_words sets;
    bool train;
} options;

/* main checks whether standard output was written. */
static pt_status print(const pt_config *c)
{
    char *text = NULL;
    pt_status s = pt_config_print(c, &text);

    if (s == PT_OK) fputs(text, stdout);
    free(text);
    return s;
}

/* args without their table, which is the same for both. */
static int show_or_check(pt_args args, bool show, int argc, char **argv)
{
    options o = {0};
    const pt_arg table[] = {
        PT_ARG_OPERAND("FILE.yaml", &o.file), PT_ARG_SET(&o.sets),
        PT_ARG_FLAG("train", &o.train,
                    "Also check that everything `ptrain train` needs is given, and the "
                    "files")};
    pt_config *c = NULL;
    pt_status s;
    int code;

    args.table = table;
    args.n = sizeof table / sizeof *table;
    if (!pt_args_read(&args, argc, argv, &code)) return code;
    s = pt_config_load(o.file, o.sets.list, o.sets.n, &c);
    if (s == PT_OK && o.train) s = pt_config_check_train(c);
    if (s == PT_OK && show) s = print(c);
    if (s != PT_OK)
        pt_log_error(pt_fail_text());
    else if (o.train)
        s = pt_files_check(c);
    pt_config_destroy(&c);
    pt_words_fini(&o.sets);
    return pt_status_exit_code(s);
}

static int show(int argc, char **argv)
{
    const pt_args args = {
        .command = "config show",
        .about =
            "Prints the resolved configuration as YAML, bases and overrides included.",
        .example = "ptrain config show my.yaml --set optimizer.lr=0.01"};

    return show_or_check(args, true, argc, argv);
}

static int check(int argc, char **argv)
{
    const pt_args args = {
        .command = "config check",
        .about =
            "Reports the faults of a configuration, and prints nothing if it has none.",
        .example = "ptrain config check my.yaml --train"};

    return show_or_check(args, false, argc, argv);
}

static int schema(int argc, char **argv)
{
    const char *key = NULL;
    bool json = false, markdown = false;
    const pt_arg table[] = {
        {.operand = "KEY", .text = &key, .optional = true},
        PT_ARG_FLAG("json", &json,
                    "Print a JSON Schema, with which editors check a file"),
        PT_ARG_FLAG("markdown", &markdown, "Print tables in Markdown")};
    const pt_args args = {
        .command = "config schema",
        .about =
            "Prints every key of a configuration with its type, default, unit and range, "
            "or one key, or the keys of a section.",
        .example = "ptrain config schema optimizer",
        .table = table,
        .n = sizeof table / sizeof *table};
    pt_status s = PT_OK;
    int code;

    if (!pt_args_read(&args, argc, argv, &code)) return code;
    if (json + markdown + (key != NULL) > 1)
        s = pt_fail(PT_ERR_USAGE, "give one of KEY, --json and --markdown");
    else if (json)
        s = pt_config_json_schema(stdout);
    else if (markdown)
        pt_config_reference(stdout);
    else
        s = pt_config_schema(stdout, key, pt_terminal_columns(STDOUT_FILENO));
    if (s != PT_OK) pt_log_error(pt_fail_text());
    return pt_status_exit_code(s);
}

static const pt_command list[] = {
    {"show", "print the resolved configuration", .run = show},
    {"check", "report the faults of a configuration", .run = check},
    {"schema", "print every key with its type, default, unit and range", .run = schema},
};

const pt_commands pt_config_commands = {.name = "config",
                                        .choice = "show|check|schema [ARGUMENT...]",
                                        .about =
                                            "Shows, checks or explains a configuration.",
                                        .example = "ptrain config show my.yaml",
                                        .list = list,
                                        .n = sizeof list / sizeof *list};
