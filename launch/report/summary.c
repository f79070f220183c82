#include "launch/report/summary.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "launch/report/labels.h"
#include "launch/report/published.h"
#include "launch/report/significance.h"
#include "launch/report/styles.h"
#include "launch/report/verdict.h"

/* ---- numbers ---------------------------------------------------------------------- */

/* Of a number of pt_finished_run; scratch [n_runs]. */
static pt_stat over_runs(const pt_method_runs *m, size_t offset, double *scratch)
{
    for (size_t i = 0; i < m->n_runs; i++)
        scratch[i] = *(const double *)((const char *)m->runs[i] + offset);
    return pt_stat_of(scratch, m->n_runs);
}

/* Mean test accuracy of the baseline's runs that have a seed of m. */
static double paired_baseline(const pt_method_runs *m)
{
    double sum = 0;
    size_t n = 0;

    for (size_t i = 0; i < m->n_runs; i++) {
        const pt_finished_run *b = pt_method_runs_find(m->baseline, m->runs[i]->seed);

        if (!b || isnan(b->test) || isnan(m->runs[i]->test)) continue;
        sum += b->test;
        n++;
    }
    return n > 0 ? sum / (double)n : NAN;
}

/* The paired gains over the baseline, and their significance. scratch [n_runs]. */
static void pair(pt_method_runs *m, double *scratch)
{
    size_t n = m->baseline ? pt_method_runs_differences(m, m->baseline, scratch) : 0;
    double plain = m->baseline ? paired_baseline(m) : NAN;

    m->gain = pt_stat_of(scratch, n);
    m->half_width = pt_paired_t_half_width(scratch, n);
    m->p = pt_paired_p(scratch, n);
    for (size_t i = 0; i < n; i++) m->n_up += scratch[i] > 1e-9;
    m->error_cut = n > 0 && plain < 100 ? 100 * m->gain.mean / (100 - plain) : NAN;
}

/* ---- notes ------------------------------------------------------------------------ */

static void note(pt_block *b, pt_status *failed, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void note(pt_block *b, pt_status *failed, const char *fmt, ...)
{
    char **more = realloc(b->notes, (b->n_notes + 1) * sizeof *more);
    va_list ap;
    int n = -1;

    if (more) {
        b->notes = more;
        va_start(ap, fmt);
        n = vasprintf(&b->notes[b->n_notes], fmt, ap);
        va_end(ap);
    }
    if (n >= 0)
        b->n_notes++;
    else
        *failed = pt_fail(PT_ERR_NOMEM, "no memory for the report");
}

/* " 1 2 3": the seeds of m, or with `in` those that `in` has, too. malloc'd or NULL. */
static char *seeds(const pt_method_runs *m, const pt_method_runs *in)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);

    if (!out) return NULL;
    for (size_t i = 0; i < m->n_runs; i++)
        if (!in || pt_method_runs_find(in, m->runs[i]->seed))
            fprintf(out, " %" PRIu64, m->runs[i]->seed);
    if (fclose(out) == 0) return text;
    free(text);
    return NULL;
}

static void note_seeds(pt_block *b, const pt_method_runs *m, pt_status *failed)
{
    char *mine = seeds(m, NULL), *plain = seeds(m->baseline, NULL);
    char *both = seeds(m, m->baseline);

    if (!mine || !plain || !both)
        *failed = pt_fail(PT_ERR_NOMEM, "no memory for the report");
    else if (m->gain.n == 0)
        note(b, failed, "%s has seeds%s, %s has seeds%s: none in common, so no gain",
             m->name, mine, m->baseline->name, plain);
    else if (m->gain.n < m->n_runs || m->gain.n < m->baseline->n_runs)
        note(b, failed, "%s has seeds%s, %s has seeds%s: the gain is over seeds%s",
             m->name, mine, m->baseline->name, plain, both);
    free(mine);
    free(plain);
    free(both);
}

static void note_method(pt_block *b, const pt_method_runs *m, pt_status *failed)
{
    if (m->runs[0]->plain) return;
    if (m->baseline && m->test.n > 0 && m->baseline->test.n > 0)
        note_seeds(b, m, failed);
    else if (!m->baseline)
        note(b, failed, "no plain runs to compare %s with, so no gain", m->name);
    if (m->n_shut > 0)
        note(b, failed, "%s: the gate never opened in %zu of %zu runs", m->name,
             m->n_shut, m->n_runs);
}

static void note_published(pt_block *b, pt_status *failed)
{
    const pt_finished_run *r = b->methods[0].runs[0];
    char *text = pt_published_text(&r->settings, r->n_classes);

    if (text) note(b, failed, "%s", text);
    free(text);
}

/* ---- grouping --------------------------------------------------------------------- */

/* A result with what it is sorted by. */
typedef struct {
    const pt_finished_run *r;
    char *head, *protocol, *variant, *method;
} entry;

/* By numbers inside the text, too: R=5 before R=10. */
static int by_group(const entry *a, const entry *b)
{
    int d = strverscmp(a->variant, b->variant);

    if (d == 0) d = b->r->plain - a->r->plain;
    if (d == 0) d = (a->r->loss > b->r->loss) - (a->r->loss < b->r->loss);
    return d ? d : strverscmp(a->method, b->method);
}

static int by_block(const entry *a, const entry *b)
{
    int d = strverscmp(a->head, b->head);

    return d ? d : strverscmp(a->protocol, b->protocol);
}

static int by_all(const void *pa, const void *pb)
{
    const entry *a = pa, *b = pb;
    int d = by_block(a, b);

    if (d == 0) d = by_group(a, b);
    if (d == 0) d = (a->r->seed > b->r->seed) - (a->r->seed < b->r->seed);
    return d ? d : strcmp(a->r->dir, b->r->dir);
}

static void free_entries(entry *e, size_t n)
{
    for (size_t i = 0; e && i < n; i++) {
        free(e[i].head);
        free(e[i].protocol);
        free(e[i].variant);
        free(e[i].method);
    }
    free(e);
}

/* malloc'd, sorted; NULL without memory. */
static entry *make_entries(const pt_finished_run *r, size_t n)
{
    entry *e = pt_calloc(n, sizeof *e);
    bool good = e != NULL;

    for (size_t i = 0; good && i < n; i++) {
        const pt_settings *s = &r[i].settings;

        e[i].r = &r[i];
        e[i].head = pt_label_block(s, NULL, 0);
        e[i].protocol = pt_settings_text(s, PT_ROLE_PROTOCOL);
        e[i].variant = pt_settings_text(s, PT_ROLE_VARIANT);
        e[i].method = pt_settings_text(s, PT_ROLE_METHOD);
        good = e[i].head && e[i].protocol && e[i].variant && e[i].method;
    }
    if (!good) {
        free_entries(e, n);
        return NULL;
    }
    qsort(e, n, sizeof *e, by_all);
    return e;
}

/* Puts the runs e [n] of one method into m; repeated ones are noted, or are faults. */
static void fill_method(pt_block *b, pt_method_runs *m, const entry *e, size_t n,
                        pt_status *failed)
{
    for (size_t i = 0; i < n; i++) {
        const pt_finished_run *r = e[i].r,
                              *last = m->n_runs ? m->runs[m->n_runs - 1] : NULL;

        if (!last || last->seed != r->seed) {
            m->runs[m->n_runs++] = r;
            m->n_shut += r->loss != PT__CONFIG__REG_LOSS__NONE && isnan(r->gate);
        } else if (strcmp(last->weight_hash, r->weight_hash) == 0) {
            note(b, failed,
                 "%s repeats %s (seed %" PRIu64 ", same weight hash): counted "
                 "once",
                 r->dir, last->dir, r->seed);
        } else {
            pt_fail_more(failed, PT_ERR_DATA,
                         "%s and %s have the same settings and seed %" PRIu64
                         ", but different weights",
                         last->dir, r->dir, r->seed);
        }
    }
}

/* Gives b the methods of its entries e [n], each with its runs and its baseline. Each
 * variant's plain runs come first. */
static void fill_block(pt_block *b, const entry *e, size_t n,
                       const pt_finished_run **runs, pt_status *failed)
{
    const pt_method_runs *plain = NULL;
    const char *variant = NULL;

    for (size_t first = 0, end; first < n; first = end) {
        pt_method_runs *m = &b->methods[b->n_methods++];

        for (end = first + 1; end < n && by_group(&e[first], &e[end]) == 0;) end++;
        m->runs = runs + first;
        fill_method(b, m, e + first, end - first, failed);
        if (e[first].r->plain) {
            plain = m;
            variant = e[first].variant;
        } else if (plain && strcmp(variant, e[first].variant) == 0) {
            m->baseline = plain;
        }
    }
}

static pt_status finish_block(pt_block *b, size_t n)
{
    const pt_settings **all = pt_calloc(n, sizeof *all);
    double *scratch = pt_calloc(n, sizeof *scratch);
    pt_status s =
        all && scratch ? PT_OK : pt_fail(PT_ERR_NOMEM, "no memory for the report");

    for (size_t i = 0; s == PT_OK && i < b->n_methods; i++) {
        all[i] = &b->methods[i].runs[0]->settings;
    }
    for (size_t i = 0; s == PT_OK && i < b->n_methods; i++) {
        pt_method_runs *m = &b->methods[i];

        m->name = pt_label_method(all[i], all, b->n_methods);
        if (!m->name) s = pt_fail(PT_ERR_NOMEM, "no memory for the report");
        m->train = over_runs(m, offsetof(pt_finished_run, train), scratch);
        m->test = over_runs(m, offsetof(pt_finished_run, test), scratch);
        m->gate = over_runs(m, offsetof(pt_finished_run, gate), scratch);
        m->w = over_runs(m, offsetof(pt_finished_run, w), scratch);
        m->images_per_s = over_runs(m, offsetof(pt_finished_run, images_per_s), scratch);
        m->seconds = over_runs(m, offsetof(pt_finished_run, seconds), scratch);
        pair(m, scratch);
    }
    pt_styles_assign(b);
    for (size_t i = 0; s == PT_OK && i < b->n_methods; i++)
        note_method(b, &b->methods[i], &s);
    if (s == PT_OK) note_published(b, &s);
    if (s == PT_OK && !(b->verdict = pt_verdict_text(b)))
        s = pt_fail(PT_ERR_NOMEM, "no memory for the report");
    free(all);
    free(scratch);
    return s;
}

/* Blocks with their methods, from sorted entries e [n]. */
static pt_status fill(pt_summary *u, const entry *e, size_t n)
{
    pt_status s = PT_OK;

    for (size_t first = 0, end; first < n; first = end) {
        pt_block *b = &u->blocks[u->n_blocks++];

        for (end = first + 1; end < n && by_block(&e[first], &e[end]) == 0;) end++;
        b->methods = pt_calloc(end - first, sizeof *b->methods);
        if (!b->methods) return pt_fail(PT_ERR_NOMEM, "no memory for the report");
        fill_block(b, e + first, end - first, u->runs + first, &s);
    }
    for (size_t i = 0; s == PT_OK && i < u->n_blocks; i++)
        s = finish_block(&u->blocks[i], n);
    return s;
}

static pt_status name_blocks(pt_summary *u)
{
    const pt_settings **all = pt_calloc(u->n_blocks, sizeof *all);
    bool good = all != NULL;

    for (size_t i = 0; good && i < u->n_blocks; i++)
        all[i] = &u->blocks[i].methods[0].runs[0]->settings;
    for (size_t i = 0; good && i < u->n_blocks; i++) {
        u->blocks[i].title = pt_label_block(all[i], all, u->n_blocks);
        good = u->blocks[i].title != NULL;
    }
    free(all);
    return good ? PT_OK : pt_fail(PT_ERR_NOMEM, "no memory for the report");
}

pt_status pt_summary_create(const pt_finished_run *results, size_t n, pt_summary **out)
{
    pt_summary *u = pt_calloc(1, sizeof *u);
    entry *e = make_entries(results, n);
    pt_status s = PT_OK;

    *out = NULL;
    if (u) u->blocks = pt_calloc(n, sizeof *u->blocks);
    if (u) u->runs = pt_calloc(n, sizeof *u->runs);
    if (!u || !e || !u->blocks || !u->runs)
        s = pt_fail(PT_ERR_NOMEM, "no memory for the report");
    if (s == PT_OK) s = fill(u, e, n);
    if (s == PT_OK) s = name_blocks(u);
    free_entries(e, n);
    if (s == PT_OK) {
        *out = u;
        u = NULL;
    }
    pt_summary_destroy(&u);
    return s;
}

static void free_block(pt_block *b)
{
    for (size_t i = 0; i < b->n_methods; i++) free(b->methods[i].name);
    for (size_t i = 0; i < b->n_notes; i++) free(b->notes[i]);
    free(b->methods);
    free(b->notes);
    free(b->title);
    free(b->verdict);
}

void pt_summary_destroy(pt_summary **s)
{
    if (!s || !*s) return;
    for (size_t i = 0; i < (*s)->n_blocks; i++) free_block(&(*s)->blocks[i]);
    free((*s)->blocks);
    free((*s)->runs);
    free(*s);
    *s = NULL;
}
