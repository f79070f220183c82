#include "launch/layouts/layout.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "launch/layouts/list_text.h"
#include "launch/layouts/split_names.h"

enum { MAX_CELLS = 64, COLUMNS = 3 };
enum { FILE_COLUMN, LABEL_COLUMN, SPLIT_COLUMN };

typedef struct {
    char *file, *label;
    int split; /* -1: all */
    size_t line;
    const char *csv; /* its file */
} row;

typedef struct {
    const char *root;
    pt_layout *out;
    pt_layout_faults faults;
    row *rows;
    size_t n, capacity;
    bool listed; /* classes come from a list: labels may be their numbers */
} reading;

/* ---- rows ------------------------------------------------------------------------- */

/* Cuts a line into cells in place, quotes taken away; their number, -1 for an open quote
 * or too many. */
static int cut(char *text, char separator, char *cells[MAX_CELLS])
{
    char *to = text;
    int n = 0;

    for (char *from = text;; from++) {
        bool quoted = *from == '"';

        if (n == MAX_CELLS) return -1;
        cells[n++] = to;
        for (from += quoted; *from && (quoted || *from != separator); from++) {
            if (quoted && *from == '"' && from[1] != '"') {
                quoted = false;
                continue;
            }
            from += quoted && *from == '"';
            *to++ = *from;
        }
        if (quoted) return -1;
        if (!*from) break;
        *to++ = '\0';
    }
    *to = '\0';
    return n;
}

static int column_of(const char *name)
{
    static const struct {
        const char *name;
        int column;
    } known[] = {{"file", FILE_COLUMN},   {"filename", FILE_COLUMN},
                 {"path", FILE_COLUMN},   {"image", FILE_COLUMN},
                 {"label", LABEL_COLUMN}, {"class", LABEL_COLUMN},
                 {"split", SPLIT_COLUMN}};

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcasecmp(name, known[i].name) == 0) return known[i].column;
    return -1;
}

/* Where the columns are, -1: not there. */
static pt_status read_head(const pt_list_text *l, char *text, char *separator,
                           int at[COLUMNS])
{
    char *cells[MAX_CELLS];
    int n;

    *separator = strchr(text, ',') ? ',' : strchr(text, ';') ? ';' : '\t';
    n = cut(text, *separator, cells);
    for (int k = 0; k < COLUMNS; k++) at[k] = -1;
    for (int i = 0; i < n; i++) {
        int k = column_of(cells[i]);

        if (k >= 0 && at[k] < 0) at[k] = i;
    }
    return at[FILE_COLUMN] >= 0 && at[LABEL_COLUMN] >= 0
               ? PT_OK
               : pt_fail(PT_ERR_DATA,
                         "%s:1: error: the header names no columns `file` (filename, "
                         "path, image) and `label` (class)",
                         l->path);
}

static pt_status add_row(reading *r, const pt_list_text *l, char *const cells[], int n,
                         const int at[COLUMNS], int split)
{
    const char *name =
        at[SPLIT_COLUMN] >= 0 && at[SPLIT_COLUMN] < n ? cells[at[SPLIT_COLUMN]] : NULL;
    row *new, *rows;

    if (n <= at[FILE_COLUMN] || n <= at[LABEL_COLUMN] || !*cells[at[FILE_COLUMN]] ||
        !*cells[at[LABEL_COLUMN]]) {
        pt_layout_fault(&r->faults, "%s:%zu: error: has no file or no label", l->path,
                        l->line);
        return PT_OK;
    }
    if (name) split = pt_split_of(name, strlen(name));
    if (name && split < 0) {
        pt_layout_fault(&r->faults,
                        "%s:%zu: error: split '%.40s' is not train, val or "
                        "test",
                        l->path, l->line, name);
        return PT_OK;
    }
    rows = pt_grow(r->rows, r->n, &r->capacity, sizeof *rows);
    if (!rows) return pt_fail(PT_ERR_NOMEM, "%s: no memory", l->path);
    r->rows = rows;
    new = &r->rows[r->n++];
    *new = (row){strdup(cells[at[FILE_COLUMN]]), strdup(cells[at[LABEL_COLUMN]]), split,
                 l->line, l->path};
    return new->file &&new->label ? PT_OK
                                  : pt_fail(PT_ERR_NOMEM, "%s: no memory", l->path);
}

static pt_status read_csv(reading *r, const char *path, int split)
{
    int at[COLUMNS], n;
    char *cells[MAX_CELLS], *text, separator = ',';
    pt_list_text l;
    pt_status s = pt_list_text_open(&l, path);

    if (s == PT_OK && !pt_list_text_next(&l, &r->faults, &text))
        s = pt_fail(PT_ERR_DATA, "%s: is empty", path);
    if (s == PT_OK) s = read_head(&l, text, &separator, at);
    while (s == PT_OK && pt_list_text_next(&l, &r->faults, &text)) {
        if (!*text) continue;
        n = cut(text, separator, cells);
        if (n < 0)
            pt_layout_fault(&r->faults,
                            "%s:%zu: error: has an open quote or more than "
                            "%d cells",
                            path, l.line, MAX_CELLS);
        else
            s = add_row(r, &l, cells, n, at, split);
    }
    pt_list_text_close(&l);
    return s;
}

/* ---- classes ---------------------------------------------------------------------- */

/* A whole number, -1: none. */
static long number_of(const char *text)
{
    char *end;
    long v;

    errno = 0;
    v = strtol(text, &end, 10);
    return *end || end == text || errno || v < 0 ? -1 : v;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int by_number(const void *a, const void *b)
{
    long x = number_of(*(char *const *)a), y = number_of(*(char *const *)b);

    return x != y ? (x > y) - (x < y) : by_text(a, b);
}

/* The labels themselves, in the order of their numbers where all are, else of bytes. */
static pt_status take_classes(reading *r)
{
    char **labels = malloc((r->n + 1) * sizeof *labels);
    bool numbers = true;
    pt_status s = PT_OK;

    if (!labels) return pt_fail(PT_ERR_NOMEM, "%s: no memory", r->root);
    for (size_t i = 0; i < r->n; i++) {
        labels[i] = r->rows[i].label;
        numbers = numbers && number_of(labels[i]) >= 0;
    }
    if (r->n > 1) qsort(labels, r->n, sizeof *labels, numbers ? by_number : by_text);
    for (size_t i = 0; i < r->n && s == PT_OK; i++)
        if (i == 0 || strcmp(labels[i - 1], labels[i]) != 0)
            s = pt_layout_add_class(r->out, labels[i]);
    free(labels);
    return s;
}

static pt_status list_classes(reading *r, const char *path)
{
    char *text;
    pt_list_text l;
    pt_status s = pt_list_text_open(&l, path);

    while (s == PT_OK && pt_list_text_next(&l, &r->faults, &text))
        if (*text) s = pt_layout_add_class(r->out, text);
    pt_list_text_close(&l);
    r->listed = true;
    return s;
}

static pt_status read_classes(reading *r, const pt_layout_options *o)
{
    char *path = NULL;
    pt_status s = PT_OK;

    if (o->classes) return list_classes(r, o->classes);
    s = pt_layout_join(r->root, "classes.txt", &path);
    if (s == PT_OK) s = access(path, F_OK) == 0 ? list_classes(r, path) : take_classes(r);
    free(path);
    return s;
}

/* -1: none. */
static int class_of(const reading *r, const char *label)
{
    long v = r->listed ? number_of(label) : -1;

    for (size_t i = 0; i < r->out->n_classes; i++)
        if (strcmp(r->out->classes[i], label) == 0) return (int)i;
    return v >= 0 && (size_t)v < r->out->n_classes ? (int)v : -1;
}

/* ---- images ----------------------------------------------------------------------- */

static int by_file(const void *a, const void *b)
{
    const row *x = *(row *const *)a, *y = *(row *const *)b;
    int c = strcmp(x->file, y->file);

    return c ? c : (x->line > y->line) - (x->line < y->line);
}

static pt_status check_twice(reading *r)
{
    row **sorted = malloc((r->n + 1) * sizeof *sorted);

    if (!sorted) return pt_fail(PT_ERR_NOMEM, "%s: no memory", r->root);
    for (size_t i = 0; i < r->n; i++) sorted[i] = &r->rows[i];
    if (r->n > 1) qsort(sorted, r->n, sizeof *sorted, by_file);
    for (size_t i = 1; i < r->n; i++)
        if (strcmp(sorted[i - 1]->file, sorted[i]->file) == 0)
            pt_layout_fault(&r->faults, "%s:%zu: error: %s is also at %s:%zu",
                            sorted[i]->csv, sorted[i]->line, sorted[i]->file,
                            sorted[i - 1]->csv, sorted[i - 1]->line);
    free(sorted);
    return PT_OK;
}

static pt_status add_image(reading *r, const row *one)
{
    const char *name = one->split < 0 ? "all" : pt_split_names[one->split];
    pt_layout_split *split = pt_layout_split_named(r->out, name);
    int label = class_of(r, one->label);
    uint32_t number;
    pt_status s;

    if (!split) return pt_fail(PT_ERR_BUG, "too many splits");
    if (label < 0) {
        pt_layout_fault(
            &r->faults,
            "%s:%zu: error: label '%.40s' is no class and no number in 0..%zu", one->csv,
            one->line, one->label, r->out->n_classes - 1);
        return PT_OK;
    }
    s = pt_layout_add_file(r->out, r->root, one->file, label, &r->faults, one->csv,
                           one->line, &number);
    return s != PT_OK || number == UINT32_MAX ? s : pt_layout_split_add(split, number);
}

/* Which files there are: those of the options, else train.csv, val.csv and test.csv, else
 * labels.csv. The last is without a split. */
static pt_status read_files(reading *r, const pt_layout_options *o, char *paths[])
{
    static const char *const names[] = {"train.csv", "val.csv", "test.csv", "labels.csv"};
    const char *const given[] = {o->train, o->val, o->test};
    bool options = o->train || o->val || o->test, any = false;
    pt_status s = PT_OK;

    for (int k = 0; k <= PT_SPLIT_NAMES && s == PT_OK; k++) {
        if (options && (k == PT_SPLIT_NAMES || !given[k])) continue;
        if (options)
            paths[k] = strdup(given[k]);
        else
            s = pt_layout_join(r->root, names[k], &paths[k]);
        if (s == PT_OK && !paths[k]) s = pt_fail(PT_ERR_NOMEM, "%s: no memory", r->root);
        if (s != PT_OK || (!options && access(paths[k], F_OK) != 0) ||
            (k == PT_SPLIT_NAMES && any))
            continue;
        any = true;
        s = read_csv(r, paths[k], k < PT_SPLIT_NAMES ? k : -1);
    }
    if (s == PT_OK && !any)
        s = pt_fail(PT_ERR_IO, "%s: has no labels.csv, train.csv, val.csv or test.csv",
                    r->root);
    return s;
}

pt_status pt_layout_csv(const char *root, const pt_layout_options *o, pt_layout *out)
{
    reading r = {.root = root, .out = out};
    char *paths[PT_SPLIT_NAMES + 1] = {NULL};
    pt_status s = read_files(&r, o, paths);

    if (s == PT_OK) s = read_classes(&r, o);
    if (s == PT_OK) s = check_twice(&r);
    for (size_t i = 0; i < r.n && s == PT_OK; i++) s = add_image(&r, &r.rows[i]);
    if (s == PT_OK) s = pt_layout_faults_end(&r.faults);
    for (size_t i = 0; i < r.n; i++) {
        free(r.rows[i].file);
        free(r.rows[i].label);
    }
    free(r.rows);
    for (int k = 0; k <= PT_SPLIT_NAMES; k++) free(paths[k]);
    return s;
}
