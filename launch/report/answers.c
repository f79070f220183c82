#include "launch/report/answers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"
#include "common/data/h5file.h"

enum { MAX_ROWS = 1 << 26 };

void pt_answers_fini(pt_answers *a)
{
    free(a->image);
    free(a->label);
    free(a->answer);
    free(a->classes);
    free(a->names);
    *a = (pt_answers){0};
}

static pt_status check(const char *path, const pt_answers *a, const size_t n[4])
{
    for (int k = 1; k < 4; k++)
        if (n[k] != n[0])
            return pt_fail(PT_ERR_DATA, "%s: its columns differ in length", path);
    for (size_t i = 0; i < n[0]; i++)
        if (a->label[i] < 0 || a->label[i] >= a->n_classes || a->answer[i] < 0 ||
            a->answer[i] >= a->n_classes)
            return pt_fail(PT_ERR_DATA, "%s: row %zu has no class of the file", path, i);
    return PT_OK;
}

pt_status pt_answers_read(const char *dir, pt_answers *out)
{
    char *path = pt_file_path(dir, "predictions.h5");
    pt_h5file *f = NULL;
    size_t n[4] = {0}, classes = 0;
    pt_status s =
        path ? pt_h5file_open(path, &f) : pt_fail(PT_ERR_NOMEM, "no memory for a path");

    *out = (pt_answers){0};
    if (s == PT_OK) s = pt_h5file_read_u32(f, "image", MAX_ROWS, &out->image, &n[0]);
    if (s == PT_OK) s = pt_h5file_read_i32(f, "label", MAX_ROWS, &out->label, &n[1]);
    if (s == PT_OK)
        s = pt_h5file_read_i32(f, "prediction", MAX_ROWS, &out->answer, &n[2]);
    if (s == PT_OK) s = pt_h5file_read_strings(f, "name", MAX_ROWS, &out->names, &n[3]);
    if (s == PT_OK)
        s = pt_h5file_read_strings(f, "classes", MAX_ROWS, &out->classes, &classes);
    out->n = n[0];
    out->n_classes = (int)classes;
    if (s == PT_OK) s = check(path, out, n);
    if (s != PT_OK) pt_answers_fini(out);
    pt_h5file_destroy(&f);
    free(path);
    return s;
}

/* Two runs of one block tested on the same images. */
static pt_status same_test(const char *dir, const pt_answers *a, const pt_answers *b)
{
    bool same = a->n == b->n && a->n_classes == b->n_classes &&
                memcmp(a->label, b->label, a->n * sizeof *a->label) == 0;

    return same ? PT_OK
                : pt_fail(PT_ERR_DATA,
                          "%s: was not tested on the same images as the runs it is "
                          "compared with",
                          dir);
}

pt_status pt_answers_confusion(const pt_method_runs *m, pt_answers *first,
                               uint32_t **counts)
{
    size_t c = 0;
    pt_status s = pt_answers_read(pt_method_runs_tested(m)->dir, first);

    *counts = NULL;
    if (s != PT_OK) return s;
    c = (size_t)first->n_classes;
    *counts = pt_calloc(pt_mul(c, c), sizeof **counts);
    if (!*counts) s = pt_fail(PT_ERR_NOMEM, "no memory for a confusion matrix");
    for (size_t r = 0; r < m->n_runs && s == PT_OK; r++) {
        pt_answers a = {0};

        if (isnan(m->runs[r]->test)) continue;
        s = pt_answers_read(m->runs[r]->dir, &a);
        if (s == PT_OK) s = same_test(m->runs[r]->dir, first, &a);
        for (size_t i = 0; i < a.n && s == PT_OK; i++)
            (*counts)[(size_t)a.label[i] * c + (size_t)a.answer[i]]++;
        pt_answers_fini(&a);
    }
    if (s == PT_OK) return PT_OK;
    pt_answers_fini(first);
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

static void vote(votes *v, const pt_answers *ours, const pt_answers *plain)
{
    for (size_t i = 0; i < v->n; i++) {
        bool we = ours->answer[i] == ours->label[i],
             they = plain->answer[i] == ours->label[i];

        if (we == they) continue;
        v->ours[i * v->c + (size_t)ours->answer[i]]++;
        v->plain[i * v->c + (size_t)plain->answer[i]]++;
        v->list[i].for_ += we && !they;
        v->list[i].against += they && !we;
    }
}

static int32_t most_frequent(const uint16_t *of, size_t c)
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

static pt_status vote_all(const pt_method_runs *m, const pt_answers *first, votes *v)
{
    pt_status s = PT_OK;

    for (size_t r = 0; r < m->n_runs && s == PT_OK; r++) {
        const pt_finished_run *other = pt_method_runs_find(m->baseline, m->runs[r]->seed);
        pt_answers ours = {0}, plain = {0};

        if (!other || isnan(other->test) || isnan(m->runs[r]->test)) continue;
        s = pt_answers_read(m->runs[r]->dir, &ours);
        if (s == PT_OK) s = pt_answers_read(other->dir, &plain);
        if (s == PT_OK) s = same_test(m->runs[r]->dir, first, &ours);
        if (s == PT_OK) s = same_test(other->dir, first, &plain);
        if (s == PT_OK) vote(v, &ours, &plain);
        pt_answers_fini(&ours);
        pt_answers_fini(&plain);
    }
    return s;
}

pt_status pt_answers_changes(const pt_method_runs *m, pt_answers *first, pt_change **list,
                             size_t *n)
{
    votes v = {0};
    pt_status s = pt_answers_read(pt_method_runs_tested(m)->dir, first);

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
        c.ours = most_frequent(v.ours + i * v.c, v.c);
        c.plain = most_frequent(v.plain + i * v.c, v.c);
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
    pt_answers_fini(first);
    return s;
}
