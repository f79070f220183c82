#include "launch/commands/cmd_config.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/suggest.h"
#include "common/config/config.h"
#include "common/base/log.h"

static const char usage[] =
    "usage: ptrain config show FILE [--set KEY=VALUE]...\n"
    "       ptrain config check FILE [--set KEY=VALUE]... [--train]\n"
    "       ptrain config schema\n"
    "\n"
    "show    the resolved configuration, bases and overrides included, as YAML\n"
    "check   only the faults of the configuration\n"
    "schema  every key with its type, default, unit and range\n"
    "\n"
    "  --set KEY=VALUE  replace a value, as in optimizer.lr=0.01 or stages.0.epochs=3\n"
    "  --train          check: also that everything which `ptrain train` needs is "
    "there\n";

typedef struct {
    const char *verb, *file;
    const char **sets; /* [n_sets] */
    size_t n_sets;
    bool train, help;
} options;

static pt_status read_options(int argc, char **argv, options *o)
{
    static const struct option known[] = {{"set", required_argument, NULL, 's'},
                                          {"train", no_argument, NULL, 't'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    int c;

    o->sets = calloc((size_t)argc, sizeof *o->sets);
    if (!o->sets) return pt_fail(PT_ERR_NOMEM, "no memory for the command line");
    optind = 0; /* glibc: start over, another command may have used getopt */
    opterr = 0;
    while ((c = getopt_long(argc, argv, ":s:h", known, NULL)) != -1) {
        if (c == 's')
            o->sets[o->n_sets++] = optarg;
        else if (c == 't')
            o->train = true;
        else if (c == 'h')
            o->help = true;
        else
            return pt_fail(PT_ERR_USAGE, "config: %s '%s' (see ptrain config --help)",
                           c == ':' ? "a value is missing after" : "unknown option",
                           argv[optind - 1]);
    }
    if (o->help) return PT_OK;
    if (optind < argc) o->verb = argv[optind++];
    if (optind < argc) o->file = argv[optind++];
    if (optind < argc)
        return pt_fail(PT_ERR_USAGE, "config: '%s' is one argument too many",
                       argv[optind]);
    return PT_OK;
}

/* main looks whether standard output went out. */
static pt_status put(const char *text)
{
    fputs(text, stdout);
    return PT_OK;
}

static pt_status show_or_check(const options *o, bool show)
{
    pt_config *c = NULL;
    char *text = NULL;
    pt_status s;

    if (!o->file) return pt_fail(PT_ERR_USAGE, "config %s: the file is missing", o->verb);
    s = pt_config_load(o->file, o->sets, o->n_sets, &c);
    if (s == PT_OK && o->train) s = pt_config_check_train(c);
    if (s == PT_OK && show) s = pt_config_print(c, &text);
    if (s == PT_OK && show) s = put(text);
    free(text);
    pt_config_destroy(&c);
    return s;
}

static pt_status run(const options *o)
{
    static const char *const verbs[] = {"show", "check", "schema", NULL};
    const char *near;

    if (o->help) return put(usage);
    if (!o->verb)
        return pt_fail(PT_ERR_USAGE, "config: show, check or schema? (see --help)");
    if (strcmp(o->verb, "show") == 0) return show_or_check(o, true);
    if (strcmp(o->verb, "check") == 0) return show_or_check(o, false);
    if (strcmp(o->verb, "schema") == 0) {
        if (o->file)
            return pt_fail(PT_ERR_USAGE, "config schema: '%s' is one argument too many",
                           o->file);
        pt_config_schema(stdout);
        return put("");
    }
    near = pt_suggest(o->verb, verbs);
    return pt_fail(PT_ERR_USAGE, "config: unknown verb '%s'%s%s%s", o->verb,
                   near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

int pt_cmd_config(int argc, char **argv)
{
    options o = {0};
    pt_status s = read_options(argc, argv, &o);

    if (s == PT_OK) s = run(&o);
    if (s != PT_OK) pt_log_error(pt_fail_text());
    free(o.sets);
    return pt_status_exit_code(s);
}
