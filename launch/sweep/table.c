#include "launch/sweep/table.h"

#include <ctype.h>
#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/file.h"
#include "launch/identity.h"
#include "launch/run_dir.h"

enum { MAX_RUNS = 100000, MAX_FILES = 64, MAX_SETS = 1024, MAX_AXES = 16 };

/* What is being put together for one run: one entry of each axis so far. */
typedef struct {
    const char *path; /* the table's */
    char *files[MAX_FILES];
    size_t n_files;
    const char *sets[MAX_SETS];
    size_t n_sets;
    char name[1024];
} mix;

/* Texts of failures of several runs. pt_fail keeps one. */
typedef struct {
    pt_status status;
    char *text; /* NULL: none yet */
    char *last; /* the last one by itself: seeds of a row mostly fail alike */
} faults;

typedef struct {
    pt_sweep *sweep;
    const Pt__Sweep__Table *t;
    const char *const *last_sets;
    size_t n_last_sets, room;
    const char *only;
    mix m;
    faults *faults;
} builder;

void pt_sweep_destroy(pt_sweep **s)
{
    if (!s || !*s) return;
    for (size_t i = 0; i < (*s)->n; i++) {
        free((*s)->runs[i].name);
        free((*s)->runs[i].dir);
        pt_config_destroy(&(*s)->runs[i].config);
    }
    free((*s)->runs);
    if ((*s)->table) protobuf_c_message_free_unpacked(&(*s)->table->base, NULL);
    free(*s);
    *s = NULL;
}

/* ---- the table by itself ---------------------------------------------------------- */

static bool is_name(const char *name)
{
    if (!name || !name[0] || name[0] == '.') return false;
    for (; *name; name++)
        if (!isalnum((unsigned char)*name) && !strchr("._-", *name)) return false;
    return true;
}

static void check_entries(const char *path, const char *what, Pt__Sweep__Entry **list,
                          size_t n, pt_status *s)
{
    for (size_t i = 0; i < n; i++) {
        if (!is_name(list[i]->name)) {
            pt_fail_more(s, PT_ERR_CONFIG,
                         "%s: error: %s.%zu needs a name of letters, digits, . _ and -",
                         path, what, i);
            continue;
        }
        for (size_t k = 0; k < i; k++)
            if (list[k]->name && strcmp(list[k]->name, list[i]->name) == 0)
                pt_fail_more(s, PT_ERR_CONFIG, "%s: error: %s has two entries named %s",
                             path, what, list[i]->name);
    }
}

static pt_status check_table(const char *path, const Pt__Sweep__Table *t)
{
    pt_status s = PT_OK;
    char what[32];

    if (!t->dir || !t->dir[0])
        pt_fail_more(&s, PT_ERR_CONFIG,
                     "%s: error: dir is not given: where run directories go", path);
    if (t->n_config == 0)
        pt_fail_more(&s, PT_ERR_CONFIG,
                     "%s: error: config is not given: the configuration of all runs",
                     path);
    if ((t->n_rows > 0) == (t->n_axes > 0))
        pt_fail_more(&s, PT_ERR_CONFIG, "%s: error: give rows or axes, %s", path,
                     t->n_rows > 0 ? "not both" : "neither is there");
    if (t->n_axes > MAX_AXES)
        pt_fail_more(&s, PT_ERR_CONFIG, "%s: error: more than %d axes", path, MAX_AXES);
    check_entries(path, "rows", t->rows, t->n_rows, &s);
    for (size_t i = 0; i < t->n_axes && i < MAX_AXES; i++) {
        snprintf(what, sizeof what, "axes.%zu.of", i);
        if (t->axes[i]->n_of == 0)
            pt_fail_more(&s, PT_ERR_CONFIG, "%s: error: %s has no entries", path, what);
        check_entries(path, what, t->axes[i]->of, t->axes[i]->n_of, &s);
    }
    for (size_t i = 0; i < t->n_seeds; i++)
        for (size_t k = 0; k < i; k++)
            if (t->seeds[i] == t->seeds[k])
                pt_fail_more(&s, PT_ERR_CONFIG, "%s: error: seed %llu is given twice",
                             path, (unsigned long long)t->seeds[i]);
    return s;
}

/* ---- runs ------------------------------------------------------------------------- */

/* Adds the failure s of a run, with its text. */
static void add_fault(faults *f, const char *name, pt_status s)
{
    char *text = NULL, *mine = strdup(pt_fail_text());

    if (!mine || (f->last && strcmp(f->last, mine) == 0)) {
        free(mine);
        return;
    }
    free(f->last);
    f->last = mine;
    f->status = s;
    if (asprintf(&text, "%s%s%s: %s", f->text ? f->text : "", f->text ? "\n" : "", name,
                 mine) < 0)
        return;
    free(f->text);
    f->text = text;
}

/* The failure of all, or PT_OK. */
static pt_status end_faults(faults *f)
{
    pt_status s = f->status;

    if (s != PT_OK) s = pt_fail(s, "%s", f->text ? f->text : "no memory");
    free(f->text);
    free(f->last);
    *f = (faults){PT_OK, NULL, NULL};
    return s;
}

/* `name` relative to the table's directory; malloc'd. */
static char *beside(const char *table, const char *name)
{
    const char *slash = strrchr(table, '/');
    char *path = NULL;
    int dir = slash && name[0] != '/' ? (int)(slash - table) + 1 : 0;

    return asprintf(&path, "%.*s%s", dir, table, name) < 0 ? NULL : path;
}

static bool add_files(mix *m, char *const *files, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char *path = m->n_files < MAX_FILES ? beside(m->path, files[i]) : NULL;

        if (!path) return false;
        m->files[m->n_files++] = path;
    }
    return true;
}

static bool add_sets(mix *m, const char *const *sets, size_t n)
{
    if (n > MAX_SETS - 2 - m->n_sets) return false;
    for (size_t i = 0; i < n; i++) m->sets[m->n_sets++] = sets[i];
    return true;
}

/* Takes back what was added after the lengths of `to`. */
static void take_back(mix *m, size_t n_files, size_t n_sets, size_t name)
{
    while (m->n_files > n_files) free(m->files[--m->n_files]);
    m->n_sets = n_sets;
    m->name[name] = '\0';
}

static bool is_wanted(const builder *b, const char *name)
{
    return !b->only || fnmatch(b->only, name, 0) == 0 ||
           fnmatch(b->only, b->m.name, 0) == 0;
}

/* Makes room for one more run, zeroed. */
static pt_sweep_run *next_run(builder *b)
{
    pt_sweep *s = b->sweep;

    if (s->n == b->room) {
        size_t room = b->room ? 2 * b->room : 64;
        pt_sweep_run *more = realloc(s->runs, room * sizeof *more);

        if (!more || s->n >= MAX_RUNS) return NULL;
        s->runs = more;
        b->room = room;
    }
    s->runs[s->n] = (pt_sweep_run){.accuracy = NAN};
    return &s->runs[s->n++];
}

static pt_status add_run(builder *b, const uint64_t *seed)
{
    mix *m = &b->m;
    char *name = NULL, dir[4096], seed_text[48] = "";
    size_t n_sets = m->n_sets;
    pt_sweep_run *r;
    pt_status s;

    if (seed)
        snprintf(seed_text, sizeof seed_text, "seed=%llu", (unsigned long long)*seed);
    if ((seed ? asprintf(&name, "%s/seed-%llu", m->name, (unsigned long long)*seed)
              : asprintf(&name, "%s/run", m->name)) < 0)
        return pt_fail(PT_ERR_NOMEM, "no memory for a run");
    if (!is_wanted(b, name)) {
        free(name);
        return PT_OK;
    }
    r = next_run(b);
    if (!r) {
        free(name);
        return pt_fail(PT_ERR_CONFIG, "no memory, or more than %d runs", MAX_RUNS);
    }
    r->name = name;
    snprintf(dir, sizeof dir, "run.dir=%s/%s", b->t->dir, name);
    r->dir = strdup(dir + strlen("run.dir="));
    if (!r->dir || !add_sets(m, b->last_sets, b->n_last_sets))
        return pt_fail(PT_ERR_NOMEM, "no memory for a run");
    if (seed) m->sets[m->n_sets++] = seed_text;
    m->sets[m->n_sets++] = dir;
    s = pt_config_load_all((const char *const *)m->files, m->n_files, m->sets, m->n_sets,
                           &r->config);
    if (s == PT_OK) s = pt_config_check_train(r->config);
    if (s != PT_OK) add_fault(b->faults, name, s);
    m->n_sets = n_sets;
    return PT_OK;
}

static pt_status add_seeds(builder *b)
{
    pt_status s = b->t->n_seeds == 0 ? add_run(b, NULL) : PT_OK;

    for (size_t i = 0; i < b->t->n_seeds && s == PT_OK; i++)
        s = add_run(b, &b->t->seeds[i]);
    return s;
}

static pt_status add_axis(builder *b, size_t axis);

static pt_status add_entries(builder *b, Pt__Sweep__Entry **list, size_t n, size_t axis)
{
    mix *m = &b->m;
    size_t n_files = m->n_files, n_sets = m->n_sets, name = strlen(m->name);
    pt_status s = PT_OK;

    for (size_t i = 0; i < n && s == PT_OK; i++) {
        const Pt__Sweep__Entry *e = list[i];

        snprintf(m->name + name, sizeof m->name - name, "%s%s", name ? "/" : "", e->name);
        if (!add_files(m, e->config, e->n_config) ||
            !add_sets(m, (const char *const *)e->set, e->n_set))
            s = pt_fail(PT_ERR_CONFIG, "%s: more than %d files or %d settings", m->name,
                        MAX_FILES, MAX_SETS);
        else
            s = add_axis(b, axis + 1);
        take_back(m, n_files, n_sets, name);
    }
    return s;
}

static pt_status add_axis(builder *b, size_t axis)
{
    const Pt__Sweep__Table *t = b->t;

    if (t->n_rows > 0 && axis == 0) return add_entries(b, t->rows, t->n_rows, axis);
    if (t->n_axes > axis)
        return add_entries(b, t->axes[axis]->of, t->axes[axis]->n_of, axis);
    return add_seeds(b);
}

static pt_status add_runs(builder *b, const char *path)
{
    const Pt__Sweep__Table *t = b->t;
    pt_status s = PT_OK;

    b->m.path = path;
    if (!add_files(&b->m, t->config, t->n_config) ||
        !add_sets(&b->m, (const char *const *)t->set, t->n_set))
        s = pt_fail(PT_ERR_CONFIG, "%s: more than %d files or %d settings", path,
                    MAX_FILES, MAX_SETS);
    if (s == PT_OK) s = add_axis(b, 0);
    take_back(&b->m, 0, 0, 0);
    return s;
}

/* ---- directories ------------------------------------------------------------------ */

pt_status pt_sweep_look(pt_sweep_run *r)
{
    json_t *was = NULL, *result = NULL;
    pt_status s = PT_OK;

    r->state = PT_SWEEP_NEW;
    if (!pt_run_dir_has(r->dir, "identity.json")) return PT_OK;
    r->state = PT_SWEEP_UNFINISHED;
    s = pt_run_dir_read_json(r->dir, "identity.json", &was);
    if (s == PT_OK) s = pt_identity_compare_settings(was, r->config, r->dir);
    if (s == PT_OK && pt_run_dir_has(r->dir, "result.json")) {
        s = pt_run_dir_read_json(r->dir, "result.json", &result);
        r->accuracy = json_number_value(json_object_get(result, "test_accuracy"));
        r->state = PT_SWEEP_DONE;
    }
    json_decref(was);
    json_decref(result);
    return s;
}

static pt_status look_at_all(pt_sweep *s)
{
    faults f = {PT_OK, NULL, NULL};

    for (size_t i = 0; i < s->n; i++) {
        pt_status st = pt_sweep_look(&s->runs[i]);

        if (st != PT_OK) add_fault(&f, s->runs[i].name, st);
    }
    return end_faults(&f);
}

pt_status pt_sweep_write_config(const pt_sweep_run *r)
{
    char *text = NULL, *path = NULL;
    pt_status s = pt_config_print(r->config, &text);

    if (s == PT_OK && asprintf(&path, "%s.yaml", r->dir) < 0)
        s = pt_fail(PT_ERR_NOMEM, "no memory for %s", r->name);
    if (s == PT_OK) s = pt_file_make_parents(path);
    if (s == PT_OK) s = pt_file_replace(path, text, strlen(text));
    free(text);
    free(path);
    return s;
}

pt_status pt_sweep_create(const char *path, const char *const *sets, size_t n_sets,
                          const char *only, pt_sweep **out)
{
    builder *b = pt_calloc(1, sizeof *b);
    pt_sweep *s = pt_calloc(1, sizeof *s);
    ProtobufCMessage *m = NULL;
    faults all = {PT_OK, NULL, NULL};
    pt_status st;

    *out = NULL;
    if (!b || !s)
        st = pt_fail(PT_ERR_NOMEM, "no memory for %s", path);
    else
        st = pt_config_load_message(path, &pt__sweep__table__descriptor, &m);
    if (st == PT_OK) {
        s->table = (Pt__Sweep__Table *)m;
        st = check_table(path, s->table);
    }
    if (st == PT_OK) {
        *b = (builder){.sweep = s,
                       .t = s->table,
                       .last_sets = sets,
                       .n_last_sets = n_sets,
                       .only = only,
                       .faults = &all};
        st = add_runs(b, path);
        if (st == PT_OK) st = end_faults(&all);
    }
    if (st == PT_OK && s->n == 0)
        st = pt_fail(PT_ERR_USAGE, "%s: no run is called '%s'", path, only ? only : "");
    if (st == PT_OK) st = look_at_all(s);
    if (st == PT_OK) {
        *out = s;
        s = NULL;
    }
    pt_sweep_destroy(&s);
    free(all.text);
    free(all.last);
    free(b);
    return st;
}
