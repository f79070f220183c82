#include "launch/support/args.h"

#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/suggest.h"
#include "common/comm/launcher.h"
#include "launch/support/build.h"
#include "launch/support/version.h"

enum { HELP = 'h', HELP_OF_ARGP = '?', VERSION = 'V', USAGE = 256, FIRST_ROW };

/* What every command answers. */
static const struct argp_option own[] = {
    {"help", HELP, NULL, 0, "Show this help", PT_ARGS_MAX + 1},
    {"version", VERSION, NULL, 0, "Show the version", PT_ARGS_MAX + 2},
    {"usage", USAGE, NULL, OPTION_HIDDEN, NULL, 0},
    {NULL, HELP_OF_ARGP, NULL, OPTION_HIDDEN, NULL, 0},
    {0}};

enum { N_OWN = sizeof own / sizeof *own };

typedef struct {
    const pt_args *args;
    struct argp_option options[PT_ARGS_MAX + N_OWN];
    struct argp argp;
    char name[64], operands[256]; /* "ptrain train", "FILE.yaml" */
    pt_status status;
    bool answered; /* help or version: nothing is left to do */
} reader;

/* ---- values ----------------------------------------------------------------------- */

static bool read_number(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
    char *end;

    errno = 0;
    *out = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && !*end && !errno && *out >= min && *out <= max;
}

static pt_status take_number(const pt_arg *r, const char *word)
{
    uint64_t min = (uint64_t)r->min, max = r->seed ? UINT64_MAX : (uint64_t)r->max, n;

    if (!read_number(word, min, max, &n))
        return pt_fail(PT_ERR_USAGE,
                       "--%s is '%.100s', must be a whole number from %llu to %llu",
                       r->option, word, (unsigned long long)min, (unsigned long long)max);
    if (r->seed)
        *r->seed = n;
    else
        *r->number = (int)n;
    return PT_OK;
}

static pt_status take_word(pt_words *words, const char *word)
{
    const char **more = realloc(words->list, (words->n + 1) * sizeof *more);

    if (!more) return pt_fail(PT_ERR_NOMEM, "no memory for the command line");
    more[words->n++] = word;
    words->list = more;
    return PT_OK;
}

void pt_words_fini(pt_words *words)
{
    free(words->list);
    *words = (pt_words){0};
}

static pt_status take(const pt_arg *r, const char *word)
{
    if (r->flag) *r->flag = true;
    if (r->text) *r->text = word;
    if (r->words) return take_word(r->words, word);
    return r->number || r->seed ? take_number(r, word) : PT_OK;
}

static bool is_given(const pt_arg *r)
{
    return r->words ? r->words->n > 0 : *r->text != NULL;
}

static pt_status take_operand(const pt_args *a, const char *word)
{
    for (size_t i = 0; i < a->n; i++) {
        const pt_arg *r = &a->table[i];

        if (r->operand && (r->words || !is_given(r))) return take(r, word);
    }
    return pt_fail(PT_ERR_USAGE, "'%.100s' is one argument too many", word);
}

static pt_status check(const pt_args *a)
{
    for (size_t i = 0; i < a->n; i++) {
        const pt_arg *r = &a->table[i];

        if (r->operand && !r->optional && !is_given(r))
            return pt_fail(PT_ERR_USAGE, "%.*s is missing", (int)strcspn(r->operand, " "),
                           r->operand);
        if (r->required && !is_given(r))
            return pt_fail(PT_ERR_USAGE, "--%s %s is missing", r->option, r->value);
    }
    return a->check ? a->check(a->given) : PT_OK;
}

/* ---- what argp needs -------------------------------------------------------------- */

static void add_operand(reader *r, const pt_arg *row)
{
    size_t at = strlen(r->operands);
    const char *space = at > 0 ? " " : "";

    if (row->operand)
        snprintf(r->operands + at, sizeof r->operands - at, "%s%s%s%s%s", space,
                 row->optional ? "[" : "", row->operand, row->words ? "..." : "",
                 row->optional ? "]" : "");
    else if (row->required)
        snprintf(r->operands + at, sizeof r->operands - at, "%s--%s=%s", space,
                 row->option, row->value);
}

static int key_of(const pt_args *a, const pt_arg *row)
{
    return row->letter ? row->letter : FIRST_ROW + (int)(row - a->table);
}

static const pt_arg *row_of(const pt_args *a, int key)
{
    for (const pt_arg *row = a->table; row < a->table + a->n; row++)
        if (row->option && key == key_of(a, row)) return row;
    return NULL;
}

static error_t parse(int key, char *word, struct argp_state *state);

/* Each option is in a group of its own, or argp would sort them by name. */
static void prepare(reader *r, const pt_args *a)
{
    struct argp_option *o = r->options;

    PT_CHECK(a->n <= PT_ARGS_MAX, "%s: %zu rows", a->command, a->n);
    *r = (reader){.args = a};
    r->argp = (struct argp){.options = r->options, .parser = parse};
    snprintf(r->name, sizeof r->name, "ptrain%s%s", *a->command ? " " : "", a->command);
    for (const pt_arg *row = a->table; row < a->table + a->n; row++) {
        add_operand(r, row);
        if (!row->option) continue;
        *o++ = (struct argp_option){.name = row->option,
                                    .key = key_of(a, row),
                                    .arg = row->value,
                                    .flags = row->help ? 0 : OPTION_HIDDEN,
                                    .doc = row->help,
                                    .group = (int)(row - a->table) + 1};
    }
    memcpy(o, own, sizeof own);
    if (r->operands[0]) r->argp.args_doc = r->operands;
}

/* ---- help ------------------------------------------------------------------------- */

static void print_help(reader *r, FILE *out)
{
    const pt_args *a = r->args;
    char text[4096];

    snprintf(text, sizeof text, "\n%s\v%s%sExample:\n  %s", a->about,
             a->notes ? a->notes : "", a->notes ? "\n\n" : "", a->example);
    r->argp.doc = text;
    setenv("ARGP_HELP_FMT", "no-dup-args-note", 0);
    argp_help(&r->argp, out, ARGP_HELP_SHORT_USAGE | ARGP_HELP_LONG | ARGP_HELP_DOC,
              r->name);
}

void pt_args_print_help(const pt_args *a, FILE *out)
{
    reader r;

    prepare(&r, a);
    print_help(&r, out);
}

/* One rank speaks for its job. */
static void answer(reader *r, int key)
{
    r->answered = true;
    if (!pt_launcher_is_first()) return;
    if (key == VERSION && !*r->args->command)
        pt_version_print(stdout);
    else if (key == VERSION)
        puts("ptrain " PT_VERSION);
    else if (key == USAGE)
        argp_help(&r->argp, stdout, ARGP_HELP_USAGE, r->name);
    else
        print_help(r, stdout);
}

/* ---- what went wrong -------------------------------------------------------------- */

/* The option that --word or -w names or abbreviates; NULL: none, or several. */
static const struct argp_option *find(const reader *r, const char *word)
{
    const char *name = word + strspn(word, "-");
    size_t n = strcspn(name, "=");
    const struct argp_option *found = NULL;
    int matches = 0;

    for (const struct argp_option *o = r->options; o->key; o++) {
        if (word[1] != '-' ? o->key != word[1]
                           : !o->name || strncmp(o->name, name, n) != 0)
            continue;
        if (o->name && strlen(o->name) == n) return o;
        found = o;
        matches++;
    }
    return matches == 1 ? found : NULL;
}

/* Reports what getopt, which ended at `state`, rejected about an option. */
static pt_status explain(const reader *r, const struct argp_state *state)
{
    const char *word = state->argv[state->next - 1];
    const char *names[PT_ARGS_MAX + N_OWN];
    const struct argp_option *o;
    char near[PT_DID_YOU_MEAN], bare[PT_DID_YOU_MEAN];
    size_t n = 0;

    if (*word != '-') word = state->argv[state->next]; /* letters, not at their end */
    o = find(r, word);
    if (o && o->arg)
        return pt_fail(PT_ERR_USAGE, "a value is missing after '%.100s'", word);
    if (o) return pt_fail(PT_ERR_USAGE, "'%.100s': --%s takes no value", word, o->name);
    for (o = r->options; o->key; o++)
        if (o->name) names[n++] = o->name;
    names[n] = NULL;
    snprintf(bare, sizeof bare, "%s", word + strspn(word, "-"));
    bare[strcspn(bare, "=")] = '\0';
    return pt_fail(PT_ERR_USAGE, "unknown option '%.100s'%s", word,
                   pt_did_you_mean(bare, names, "--", near));
}

/* One line, whatever the words hold. */
static void report(const reader *r)
{
    const char *command = r->args->command;
    char line[1024];

    pt_launcher_let_first_speak();
    if (!pt_launcher_is_first()) return;
    snprintf(line, sizeof line, "%s%s%.800s (see %s --help)", command,
             *command ? ": " : "", pt_fail_text(), r->name);
    for (char *p = line; *p; p++)
        if ((unsigned char)*p < ' ') *p = '?';
    pt_log_error(line);
}

/* ---- reading ---------------------------------------------------------------------- */

static error_t parse(int key, char *word, struct argp_state *state)
{
    reader *r = state->input;
    const pt_arg *row = row_of(r->args, key);

    if (row)
        r->status = take(row, word);
    else if (key == ARGP_KEY_ARG)
        r->status = take_operand(r->args, word);
    else if (key == ARGP_KEY_END)
        r->status = check(r->args);
    else if (key == HELP || key == HELP_OF_ARGP || key == VERSION || key == USAGE)
        answer(r, key);
    else if (key == ARGP_KEY_ERROR && r->status == PT_OK && !r->answered)
        r->status = explain(r, state);
    else
        return ARGP_ERR_UNKNOWN;
    return r->answered || r->status != PT_OK ? EINVAL : 0;
}

bool pt_args_read(const pt_args *a, int argc, char **argv, int *code)
{
    reader r;

    prepare(&r, a);
    argp_parse(&r.argp, argc, argv, ARGP_NO_ERRS | ARGP_NO_HELP | ARGP_NO_EXIT, NULL, &r);
    *code = pt_status_exit_code(r.status);
    if (r.status == PT_OK && !r.answered) return true;
    if (!r.answered) report(&r);
    for (size_t i = 0; i < a->n; i++)
        if (a->table[i].words) pt_words_fini(a->table[i].words);
    return false;
}
