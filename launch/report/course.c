#include "launch/report/course.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "launch/report/lines.h"

/* A test after a step, over the runs that had it. */
typedef struct {
    uint64_t step;
    double epoch, sum, low, high;
    size_t runs;
} point;

typedef struct {
    const char *set;
    bool first;      /* run: its tests are the points */
    double per_step; /* epochs; 0: not known yet */
    point *list;     /* [n] */
    size_t n, capacity;
    bool failed; /* no memory */
} reading;

static point *find(const reading *r, uint64_t step)
{
    for (size_t i = 0; i < r->n; i++)
        if (r->list[i].step == step) return &r->list[i];
    return NULL;
}

static point *append(reading *r, uint64_t step)
{
    point *list = pt_grow(r->list, r->n, &r->capacity, sizeof *list);

    r->failed = r->failed || !list;
    if (!list) return NULL;
    r->list = list;
    r->list[r->n] = (point){.step = step, .epoch = (double)(step + 1) * r->per_step};
    return &r->list[r->n++];
}

static void add(point *p, double accuracy)
{
    p->low = p->runs ? fmin(p->low, accuracy) : accuracy;
    p->high = p->runs ? fmax(p->high, accuracy) : accuracy;
    p->sum += accuracy;
    p->runs++;
}

/* Tests, and before them a step that tells how long an epoch is. */
static bool wants(void *context, const char *text, size_t n)
{
    const reading *r = context;

    return r->per_step == 0 || strstr(text, "\"test_of\"");
}

/* A line is a step, or a test after it; tests of a second set of weights are neither. */
static void take_line(void *context, const json_t *line)
{
    reading *r = context;
    const char *set = json_string_value(json_object_get(line, "test_of"));
    const json_t *accuracy = json_object_get(line, "accuracy");
    uint64_t step = (uint64_t)json_integer_value(json_object_get(line, "step"));
    point *p;

    if (!set && step > 0 && json_is_number(json_object_get(line, "epoch")))
        r->per_step = json_number_value(json_object_get(line, "epoch")) / (double)step;
    if (!set || strcmp(set, r->set) != 0 || !json_is_number(accuracy)) return;
    p = find(r, step);
    if (!p && r->first) p = append(r, step);
    if (p) add(p, 100 * json_number_value(accuracy));
}

/* The points that all runs have. */
static pt_status fill(const reading *r, size_t n_runs, pt_course *out)
{
    double *all = pt_calloc(pt_mul(4, r->n + 1), sizeof *all);

    if (!all) return pt_fail(PT_ERR_NOMEM, "no memory for the tests of runs");
    *out = (pt_course){0, all, all + r->n, all + 2 * r->n, all + 3 * r->n};
    for (size_t i = 0; i < r->n; i++) {
        const point *p = &r->list[i];

        if (p->runs != n_runs) continue;
        out->epoch[out->n] = p->epoch;
        out->mean[out->n] = p->sum / (double)p->runs;
        out->low[out->n] = p->low;
        out->high[out->n++] = p->high;
    }
    return PT_OK;
}

pt_status pt_course_read(const pt_method_runs *m, const char *set, pt_course *out)
{
    reading r = {.set = set};
    const pt_lines_reader reader = {wants, take_line, &r};
    pt_status s = PT_OK;

    *out = (pt_course){0};
    for (size_t i = 0; i < m->n_runs && s == PT_OK; i++) {
        r.first = i == 0;
        r.per_step = 0;
        s = pt_lines_each(m->runs[i]->dir, &reader);
        if (s == PT_OK && r.failed)
            s = pt_fail(PT_ERR_NOMEM, "no memory for the tests of runs");
    }
    if (s == PT_OK) s = fill(&r, m->n_runs, out);
    free(r.list);
    return s;
}

void pt_course_fini(pt_course *c)
{
    free(c->epoch);
    *c = (pt_course){0};
}
