#include "launch/sweep/table.h"

#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/file.h"
#include "launch/sweep/faults.h"
#include "launch/sweep/rules.h"
#include "launch/train/identity.h"
#include "launch/train/run_dir.h"

enum { MAX_RUNS = 100000, MAX_FILES = 64, MAX_SETS = 1024, MAX_NAME = 2048 };

/* What is being put together for one run: one entry of each axis so far. The texts of
 * files and all `where` are ours, those of sets the table's. */
typedef struct {
    pt_config_part files[MAX_FILES], sets[MAX_SETS];
    size_t n_files, n_sets;
    char name[MAX_NAME];
} mix;

typedef struct {
    pt_sweep *sweep;
    const char *path, *only;
    const pt_config_file *file;
    const Pt__Sweep__Table *t;
    pt_sweep_seed seeds[PT_SWEEP_MAX_SEEDS];
    size_t n_seeds, capacity;
    pt_config_part *last_sets; /* of the command line */
    size_t n_last_sets;
    mix m;
    pt_sweep_faults *faults;
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
    pt_config_file_close(&(*s)->file);
    free(*s);
    *s = NULL;
}

/* ---- runs ------------------------------------------------------------------------- */

/* `name` relative to the table's directory; malloc'd. */
static char *beside(const char *table, const char *name)
{
    const char *slash = strrchr(table, '/');
    char *path = NULL;
    int dir = slash && name[0] != '/' ? (int)(slash - table) + 1 : 0;

    return asprintf(&path, "%.*s%s", dir, table, name) < 0 ? NULL : path;
}

/* The location of the k-th item of a list in the table; malloc'd. list: "rows.0.set". */
static char *place_of(const builder *b, const char *list, size_t k)
{
    char path[96], where[512];

    snprintf(path, sizeof path, "%s.%zu", list, k);
    pt_config_file_where(b->file, path, where, sizeof where);
    return strdup(where);
}

static pt_status too_much(const builder *b)
{
    return pt_fail(PT_ERR_CONFIG,
                   "%s: error: %s has more than %d files or %d settings, or no memory",
                   b->path, b->m.name[0] ? b->m.name : "the table", MAX_FILES,
                   MAX_SETS - 2);
}

/* Adds files and settings that override what is there. in: "" or the entry's location. */
static pt_status add_parts(builder *b, const char *in, char **files, size_t n_files,
                           char **sets, size_t n_sets)
{
    mix *m = &b->m;
    char list[64];

    if (n_files > MAX_FILES - m->n_files || n_sets > MAX_SETS - 2 - m->n_sets)
        return too_much(b);
    snprintf(list, sizeof list, "%sconfig", in);
    for (size_t i = 0; i < n_files; i++) {
        pt_config_part *p = &m->files[m->n_files++];

        *p = (pt_config_part){beside(b->path, files[i]), place_of(b, list, i)};
        if (!p->text || !p->where) return too_much(b);
    }
    snprintf(list, sizeof list, "%sset", in);
    for (size_t i = 0; i < n_sets; i++) {
        pt_config_part *p = &m->sets[m->n_sets++];

        *p = (pt_config_part){sets[i], place_of(b, list, i)};
        if (!p->where) return too_much(b);
    }
    return PT_OK;
}

/* Takes back what was added after the lengths of `to`. */
static void take_back(mix *m, size_t n_files, size_t n_sets, size_t name)
{
    while (m->n_files > n_files) {
        pt_config_part *p = &m->files[--m->n_files];

        free((char *)p->text);
        free((char *)p->where);
    }
    while (m->n_sets > n_sets) free((char *)m->sets[--m->n_sets].where);
    m->name[name] = '\0';
}

/* One more run, zeroed; NULL without memory or beyond MAX_RUNS. */
static pt_sweep_run *next_run(builder *b)
{
    pt_sweep *s = b->sweep;
    pt_sweep_run *runs;

    if (s->n == b->capacity && s->n >= MAX_RUNS) return NULL;
    runs = pt_grow(s->runs, s->n, &b->capacity, sizeof *runs);
    if (!runs) return NULL;
    s->runs = runs;
    s->runs[s->n] = (pt_sweep_run){.accuracy = NAN};
    return &s->runs[s->n++];
}

void pt_sweep_quote(FILE *out, const char *text)
{
    putc('\'', out);
    for (; *text; text++) {
        if (*text == '\'') putc('\'', out);
        putc(*text, out);
    }
    putc('\'', out);
}

/* run.dir='DIR', malloc'd, or NULL. */
static char *set_dir(const char *dir)
{
    char *set = NULL;
    size_t n;
    FILE *out = open_memstream(&set, &n);

    if (!out) return NULL;
    fputs("run.dir=", out);
    pt_sweep_quote(out, dir);
    if (fclose(out) == 0) return set;
    free(set);
    return NULL;
}

/* The configuration of a run from the mix; its faults are kept. */
static pt_status compose(builder *b, pt_sweep_run *r, const pt_sweep_seed *seed)
{
    mix *m = &b->m;
    size_t n = m->n_sets;
    char *dir = set_dir(r->dir), *dir_at = NULL, *seed_at = NULL, seed_text[48];
    char where[512];
    pt_status s = PT_OK;

    pt_config_file_where(b->file, "dir", where, sizeof where);
    dir_at = strdup(where);
    if (seed) seed_at = place_of(b, "seeds", seed->entry);
    if (!dir || !dir_at || (seed && !seed_at) || b->n_last_sets > MAX_SETS - 2 - n)
        s = too_much(b);
    for (size_t i = 0; s == PT_OK && i < b->n_last_sets; i++)
        m->sets[n++] = b->last_sets[i];
    if (seed && s == PT_OK) {
        snprintf(seed_text, sizeof seed_text, "seed=%llu",
                 (unsigned long long)seed->seed);
        m->sets[n++] = (pt_config_part){seed_text, seed_at};
    }
    if (s == PT_OK) {
        m->sets[n++] = (pt_config_part){dir, dir_at};
        s = pt_config_load_all(m->files, m->n_files, m->sets, n, &r->config);
        if (s == PT_OK) s = pt_config_check_train(r->config);
        if (s != PT_OK) pt_sweep_faults_add(b->faults, s, r->name);
        s = PT_OK;
    }
    free(dir);
    free(dir_at);
    free(seed_at);
    return s;
}

static pt_status add_run(builder *b, const pt_sweep_seed *seed)
{
    char *name = NULL, *dir = NULL;
    pt_sweep_run *r;

    if ((seed ? asprintf(&name, "%s/seed-%llu", b->m.name, (unsigned long long)seed->seed)
              : asprintf(&name, "%s/run", b->m.name)) < 0)
        return pt_fail(PT_ERR_NOMEM, "no memory for a run");
    if (b->only && fnmatch(b->only, name, FNM_LEADING_DIR) != 0) {
        free(name);
        return PT_OK;
    }
    r = asprintf(&dir, "%s/%s", b->t->dir, name) >= 0 ? next_run(b) : NULL;
    if (!r) {
        free(name);
        free(dir);
        return pt_fail(PT_ERR_CONFIG, "%s: error: no memory, or more than %d runs",
                       b->path, MAX_RUNS);
    }
    r->name = name;
    r->dir = dir;
    return compose(b, r, seed);
}

static pt_status add_seeds(builder *b)
{
    pt_status s = b->n_seeds == 0 ? add_run(b, NULL) : PT_OK;

    for (size_t i = 0; i < b->n_seeds && s == PT_OK; i++) s = add_run(b, &b->seeds[i]);
    return s;
}

static pt_status add_axis(builder *b, size_t axis);

/* list: "rows", or "axes.0.of", of which this is the axis. */
static pt_status add_entries(builder *b, const char *list, Pt__Sweep__Entry **entries,
                             size_t n, size_t axis)
{
    mix *m = &b->m;
    size_t n_files = m->n_files, n_sets = m->n_sets, name = strlen(m->name);
    pt_status s = PT_OK;
    char in[48];

    for (size_t i = 0; i < n && s == PT_OK; i++) {
        const Pt__Sweep__Entry *e = entries[i];

        snprintf(m->name + name, sizeof m->name - name, "%s%s", name ? "/" : "", e->name);
        snprintf(in, sizeof in, "%s.%zu.", list, i);
        s = add_parts(b, in, e->config, e->n_config, e->set, e->n_set);
        if (s == PT_OK) s = add_axis(b, axis + 1);
        take_back(m, n_files, n_sets, name);
    }
    return s;
}

static pt_status add_axis(builder *b, size_t axis)
{
    const Pt__Sweep__Table *t = b->t;
    char list[32];

    if (t->n_rows > 0 && axis == 0)
        return add_entries(b, "rows", t->rows, t->n_rows, axis);
    if (t->n_axes <= axis) return add_seeds(b);
    snprintf(list, sizeof list, "axes.%zu.of", axis);
    return add_entries(b, list, t->axes[axis]->of, t->axes[axis]->n_of, axis);
}

static pt_status add_runs(builder *b)
{
    const Pt__Sweep__Table *t = b->t;
    pt_status s = add_parts(b, "", t->config, t->n_config, t->set, t->n_set);

    if (s == PT_OK) s = add_axis(b, 0);
    take_back(&b->m, 0, 0, 0);
    return s;
}

/* ---- directories ------------------------------------------------------------------ */

static double accuracy_of(const json_t *result)
{
    const json_t *x = json_object_get(result, "test_accuracy");

    return json_is_number(x) ? json_number_value(x) : NAN;
}

const char *pt_sweep_accuracy(const pt_sweep_run *r, char text[PT_SWEEP_ACCURACY])
{
    if (isnan(r->accuracy))
        snprintf(text, PT_SWEEP_ACCURACY, "not tested");
    else
        snprintf(text, PT_SWEEP_ACCURACY, "%.2f %%", 100 * r->accuracy);
    return text;
}

pt_status pt_sweep_look(pt_sweep_run *r, pt_sweep_data *data)
{
    json_t *was = NULL, *result = NULL;
    pt_status s = PT_OK;

    r->state = PT_SWEEP_NEW;
    if (!pt_run_dir_has(r->dir, "identity.json")) return PT_OK;
    r->state = PT_SWEEP_UNFINISHED;
    s = pt_run_dir_read_json(r->dir, "identity.json", &was);
    if (s == PT_OK) s = pt_identity_compare_settings(was, r->config, r->dir);
    if (s == PT_OK && data) s = pt_sweep_data_compare(data, was, r->config, r->dir);
    if (s == PT_OK && pt_run_dir_has(r->dir, "result.json")) {
        s = pt_run_dir_read_json(r->dir, "result.json", &result);
        r->accuracy = accuracy_of(result);
        r->state = PT_SWEEP_DONE;
    }
    json_decref(was);
    json_decref(result);
    return s;
}

static pt_status look_at_all(pt_sweep *s)
{
    pt_sweep_faults f = {.status = PT_OK};
    pt_sweep_data data = {0};

    for (size_t i = 0; i < s->n; i++) {
        pt_status st = pt_sweep_look(&s->runs[i], &data);

        if (st != PT_OK) pt_sweep_faults_add(&f, st, NULL);
    }
    pt_sweep_data_fini(&data);
    return pt_sweep_faults_end(&f);
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

/* ---- all of it --------------------------------------------------------------------- */

/* Reads the table and puts its runs together; all faults in one text. */
static pt_status build(builder *b)
{
    pt_sweep_faults faults = {.status = PT_OK};
    pt_sweep *s = b->sweep;
    pt_status st = pt_config_file_open(b->path, &pt__sweep__table__descriptor, &s->file);
    bool readable, usable;

    if (st != PT_OK) return st;
    b->faults = &faults;
    b->file = s->file;
    b->t = s->table = (const Pt__Sweep__Table *)pt_config_file_message(s->file);
    readable = pt_config_file_report(s->file) == PT_OK;
    usable = pt_sweep_check(s->file);
    st = pt_config_file_report(s->file);
    if (st != PT_OK) pt_sweep_faults_add(&faults, st, NULL);
    if (readable && usable) {
        b->n_seeds = pt_sweep_seeds(b->t, b->seeds, NULL);
        st = add_runs(b);
        if (st != PT_OK) pt_sweep_faults_add(&faults, st, NULL);
    }
    st = pt_sweep_faults_end(&faults);
    if (st == PT_OK && s->n == 0)
        st = pt_fail(PT_ERR_USAGE, "%s: no run is called '%s' (--list has the names)",
                     b->path, b->only ? b->only : "");
    return st;
}

pt_status pt_sweep_create(const char *path, const char *const *sets, size_t n_sets,
                          const char *only, pt_sweep **out)
{
    builder *b = pt_calloc(1, sizeof *b);
    pt_sweep *s = pt_calloc(1, sizeof *s);
    pt_config_part *last = pt_calloc(n_sets + 1, sizeof *last);
    pt_status st;

    *out = NULL;
    if (!b || !s || !last) {
        st = pt_fail(PT_ERR_NOMEM, "no memory for %s", path);
        goto done;
    }
    for (size_t i = 0; i < n_sets; i++) last[i].text = sets[i];
    *b = (builder){
        .sweep = s, .path = path, .only = only, .last_sets = last, .n_last_sets = n_sets};
    st = build(b);
    if (st == PT_OK) st = look_at_all(s);
    if (st != PT_OK) goto done;
    *out = s;
    s = NULL;
done:
    pt_sweep_destroy(&s);
    free(last);
    free(b);
    return st;
}
