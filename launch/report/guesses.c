#include "launch/report/guesses.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"
#include "common/data/h5file.h"

enum { MAX_ROWS = 1 << 26 };

void pt_guesses_fini(pt_guesses *g)
{
    free(g->image);
    free(g->label);
    free(g->guess);
    free(g->classes);
    free(g->names);
    *g = (pt_guesses){0};
}

static pt_status check(const char *path, const pt_guesses *g, const size_t n[4])
{
    for (int k = 1; k < 4; k++)
        if (n[k] != n[0])
            return pt_fail(PT_ERR_DATA, "%s: its columns have other lengths", path);
    for (size_t i = 0; i < n[0]; i++)
        if (g->label[i] < 0 || g->label[i] >= g->n_classes || g->guess[i] < 0 ||
            g->guess[i] >= g->n_classes)
            return pt_fail(PT_ERR_DATA, "%s: row %zu has no class of the file", path, i);
    return PT_OK;
}

pt_status pt_guesses_read(const char *dir, pt_guesses *out)
{
    char *path = pt_file_path(dir, "predictions.h5");
    pt_h5file *f = NULL;
    size_t n[4] = {0}, classes = 0;
    pt_status s =
        path ? pt_h5file_open(path, &f) : pt_fail(PT_ERR_NOMEM, "no memory for a path");

    *out = (pt_guesses){0};
    if (s == PT_OK) s = pt_h5file_read_u32(f, "image", MAX_ROWS, &out->image, &n[0]);
    if (s == PT_OK) s = pt_h5file_read_i32(f, "label", MAX_ROWS, &out->label, &n[1]);
    if (s == PT_OK) s = pt_h5file_read_i32(f, "prediction", MAX_ROWS, &out->guess, &n[2]);
    if (s == PT_OK) s = pt_h5file_read_strings(f, "name", MAX_ROWS, &out->names, &n[3]);
    if (s == PT_OK)
        s = pt_h5file_read_strings(f, "classes", MAX_ROWS, &out->classes, &classes);
    out->n = n[0];
    out->n_classes = (int)classes;
    if (s == PT_OK) s = check(path, out, n);
    if (s != PT_OK) pt_guesses_fini(out);
    pt_h5file_destroy(&f);
    free(path);
    return s;
}

/* Two runs of one block tested on the same images. */
static pt_status same_test(const char *dir, const pt_guesses *a, const pt_guesses *b)
{
    bool same = a->n == b->n && a->n_classes == b->n_classes &&
                memcmp(a->label, b->label, a->n * sizeof *a->label) == 0;

    return same ? PT_OK
                : pt_fail(PT_ERR_DATA, "%s: was tested on other images than its like",
                          dir);
}

pt_status pt_confusion_of(const pt_method *m, pt_guesses *first, uint32_t **counts)
{
    size_t c = 0;
    pt_status s = pt_guesses_read(m->runs[0]->dir, first);

    *counts = NULL;
    if (s != PT_OK) return s;
    c = (size_t)first->n_classes;
    *counts = pt_calloc(pt_mul(c, c), sizeof **counts);
    if (!*counts) s = pt_fail(PT_ERR_NOMEM, "no memory for a confusion matrix");
    for (size_t r = 0; r < m->n_runs && s == PT_OK; r++) {
        pt_guesses g = {0};

        s = pt_guesses_read(m->runs[r]->dir, &g);
        if (s == PT_OK) s = same_test(m->runs[r]->dir, first, &g);
        for (size_t i = 0; i < g.n && s == PT_OK; i++)
            (*counts)[(size_t)g.label[i] * c + (size_t)g.guess[i]]++;
        pt_guesses_fini(&g);
    }
    if (s == PT_OK) return PT_OK;
    pt_guesses_fini(first);
    free(*counts);
    *counts = NULL;
    return s;
}

/* ---- changes ---------------------------------------------------------------------- */

/* Answers of the paired runs of which one is right: how often each class, [n][C] for each
 * side. */
typedef struct {
    size_t n, c;
    uint16_t *ours, *plain;
    pt_change *list; /* [n] */
} votes;

static void vote(votes *v, const pt_guesses *ours, const pt_guesses *plain)
{
    for (size_t i = 0; i < v->n; i++) {
        bool we = ours->guess[i] == ours->label[i],
             they = plain->guess[i] == ours->label[i];

        if (we == they) continue;
        v->ours[i * v->c + (size_t)ours->guess[i]]++;
        v->plain[i * v->c + (size_t)plain->guess[i]]++;
        v->list[i].for_ += we && !they;
        v->list[i].against += they && !we;
    }
}

static int32_t most(const uint16_t *of, size_t c)
{
    size_t best = 0;

    for (size_t k = 1; k < c; k++)
        if (of[k] > of[best]) best = k;
    return (int32_t)best;
}

static int by_favour(const void *pa, const void *pb)
{
    const pt_change *a = pa, *b = pb;
    int fa = a->for_ - a->against, fb = b->for_ - b->against;

    if (fa != fb) return fa > fb ? -1 : 1;
    return a->at < b->at ? -1 : 1;
}

static const pt_result *pair_of(const pt_method *m, uint64_t seed)
{
    for (size_t i = 0; i < m->baseline->n_runs; i++)
        if (m->baseline->runs[i]->seed == seed) return m->baseline->runs[i];
    return NULL;
}

static pt_status vote_all(const pt_method *m, const pt_guesses *first, votes *v)
{
    pt_status s = PT_OK;

    for (size_t r = 0; r < m->n_runs && s == PT_OK; r++) {
        const pt_result *other = pair_of(m, m->runs[r]->seed);
        pt_guesses ours = {0}, plain = {0};

        if (!other) continue;
        s = pt_guesses_read(m->runs[r]->dir, &ours);
        if (s == PT_OK) s = pt_guesses_read(other->dir, &plain);
        if (s == PT_OK) s = same_test(m->runs[r]->dir, first, &ours);
        if (s == PT_OK) s = same_test(other->dir, first, &plain);
        if (s == PT_OK) vote(v, &ours, &plain);
        pt_guesses_fini(&ours);
        pt_guesses_fini(&plain);
    }
    return s;
}

pt_status pt_changes_of(const pt_method *m, pt_guesses *first, pt_change **list,
                        size_t *n)
{
    votes v = {0};
    pt_status s = pt_guesses_read(m->runs[0]->dir, first);

    *list = NULL;
    *n = 0;
    if (s != PT_OK) return s;
    v.n = first->n;
    v.c = (size_t)first->n_classes;
    v.ours = pt_calloc(pt_mul(v.n, v.c), sizeof *v.ours);
    v.plain = pt_calloc(pt_mul(v.n, v.c), sizeof *v.plain);
    v.list = pt_calloc(v.n, sizeof *v.list);
    if (!v.ours || !v.plain || !v.list)
        s = pt_fail(PT_ERR_NOMEM, "no memory for answers");
    if (s == PT_OK) s = vote_all(m, first, &v);
    for (size_t i = 0; i < v.n && s == PT_OK; i++) {
        pt_change c = v.list[i];

        c.at = i;
        c.ours = most(v.ours + i * v.c, v.c);
        c.plain = most(v.plain + i * v.c, v.c);
        if (c.for_ != c.against) v.list[(*n)++] = c;
    }
    if (s == PT_OK && *n > 1) qsort(v.list, *n, sizeof *v.list, by_favour);
    free(v.ours);
    free(v.plain);
    if (s == PT_OK) {
        *list = v.list;
        return PT_OK;
    }
    free(v.list);
    pt_guesses_fini(first);
    return s;
}
