#include "launch/report/curves.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "launch/report/lines.h"

static const char *const keys[PT_CURVES] = {"ce",        "accuracy",  "rep_norm",  "w",
                                            "ratio_p10", "ratio_p50", "ratio_p90", "lr"};

/* Sums of one run. */
typedef struct {
    double sum[PT_CURVES][PT_CURVE_BINS];
    int n[PT_CURVES][PT_CURVE_BINS];
} sums;

/* w is 0 and the ratio without meaning while the gate is shut. */
static bool counts(int curve, double value)
{
    if (!isfinite(value)) return false;
    return curve < PT_CURVE_W || curve > PT_CURVE_RATIO_90 || value > 0;
}

static void add_line(sums *s, const json_t *line, size_t steps, size_t bins)
{
    const json_t *step = json_object_get(line, "step");
    size_t bin;

    if (!json_is_integer(step) || json_object_get(line, "test_of") ||
        json_object_get(line, "tested_on"))
        return;
    bin = (size_t)json_integer_value(step) * bins / steps;
    for (int k = 0; k < PT_CURVES && bin < bins; k++) {
        const json_t *v = json_object_get(line, keys[k]);

        if (!json_is_number(v) || !counts(k, json_number_value(v))) continue;
        s->sum[k][bin] += json_number_value(v);
        s->n[k][bin]++;
    }
}

/* What runs' lines are added to. */
typedef struct {
    sums *s;
    size_t steps, bins;
} reading;

static void take_line(void *context, const json_t *line)
{
    const reading *r = context;

    add_line(r->s, line, r->steps, r->bins);
}

/* Only counts steps: without reading the line. */
static bool count_step(void *context, const char *text, size_t n)
{
    static const char key[] = "\"step\":";
    reading *r = context;
    const char *at = strstr(text, key);
    size_t steps = at ? strtoull(at + sizeof key - 1, NULL, 10) + 1 : 0;

    if (steps > r->steps) r->steps = steps;
    return false;
}

/* One run's means into the method's mean (a sum for now), low and high. */
static void merge(pt_curves *c, const sums *s, int n[PT_CURVES][PT_CURVE_BINS])
{
    for (int k = 0; k < PT_CURVES; k++)
        for (size_t b = 0; b < c->n; b++) {
            double v;

            if (s->n[k][b] == 0) continue;
            v = s->sum[k][b] / s->n[k][b];
            c->mean[k][b] = n[k][b] ? c->mean[k][b] + v : v;
            c->low[k][b] = n[k][b] ? fmin(c->low[k][b], v) : v;
            c->high[k][b] = n[k][b] ? fmax(c->high[k][b], v) : v;
            n[k][b]++;
        }
}

/* Of the steps that add_line puts into a bin, counted from 1. */
static double middle_of(size_t bin, size_t steps, size_t bins)
{
    size_t first = (bin * steps + bins - 1) / bins,
           end = ((bin + 1) * steps + bins - 1) / bins;

    return 0.5 * (double)(first + 1 + end);
}

pt_status pt_curves_read(const pt_method_runs *m, pt_curves **out)
{
    pt_curves *c = pt_calloc(1, sizeof *c);
    sums *s = pt_calloc(1, sizeof *s);
    int(*n)[PT_CURVE_BINS] = pt_calloc(PT_CURVES, sizeof *n);
    reading all = {.s = s};
    const pt_lines_reader count = {count_step, NULL, &all}, add = {NULL, take_line, &all};
    pt_status st = c && s && n ? PT_OK : pt_fail(PT_ERR_NOMEM, "no memory for curves");

    *out = NULL;
    for (size_t i = 0; i < m->n_runs && st == PT_OK; i++)
        st = pt_lines_each(m->runs[i]->dir, &count);
    if (st == PT_OK)
        c->n = all.bins = all.steps < PT_CURVE_BINS ? all.steps : PT_CURVE_BINS;
    for (size_t i = 0; i < m->n_runs && st == PT_OK && all.steps > 0; i++) {
        memset(s, 0, sizeof *s);
        st = pt_lines_each(m->runs[i]->dir, &add);
        if (st == PT_OK) merge(c, s, n);
    }
    for (size_t b = 0; st == PT_OK && b < c->n; b++) {
        c->step[b] = middle_of(b, all.steps, c->n);
        for (int k = 0; k < PT_CURVES; k++) {
            c->mean[k][b] = n[k][b] ? c->mean[k][b] / n[k][b] : NAN;
            if (n[k][b] == 0) c->low[k][b] = c->high[k][b] = NAN;
        }
    }
    free(s);
    free(n);
    if (st == PT_OK)
        *out = c;
    else
        free(c);
    return st;
}
