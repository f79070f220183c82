#include "launch/report/curves.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"

enum { MAX_BYTES = 1 << 30 };

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

    if (!json_is_integer(step) || json_object_get(line, "test_of")) return;
    bin = (size_t)json_integer_value(step) * bins / steps;
    for (int k = 0; k < PT_CURVES && bin < bins; k++) {
        const json_t *v = json_object_get(line, keys[k]);

        if (!json_is_number(v) || !counts(k, json_number_value(v))) continue;
        s->sum[k][bin] += json_number_value(v);
        s->n[k][bin]++;
    }
}

/* Calls for each line of a run's file. steps 0: only counts them into *found. */
static pt_status read_run(const char *dir, sums *s, size_t steps, size_t bins,
                          size_t *found)
{
    char *path = pt_file_path(dir, "metrics.jsonl"), *line, *end;
    uint8_t *text = NULL;
    size_t n, number = 0;
    pt_status st = path ? pt_file_load_path(path, MAX_BYTES, &text, &n)
                        : pt_fail(PT_ERR_NOMEM, "no memory for a path");

    for (line = (char *)text; st == PT_OK && (end = strchr(line, '\n')); line = end + 1) {
        json_t *j = json_loadb(line, (size_t)(end - line), 0, NULL);
        const json_t *step = json_object_get(j, "step");

        number++;
        if (!json_is_object(j))
            st = pt_fail(PT_ERR_DATA, "%s:%zu: error: not a JSON object", path, number);
        else if (steps > 0)
            add_line(s, j, steps, bins);
        else if (json_is_integer(step) && (size_t)json_integer_value(step) + 1 > *found)
            *found = (size_t)json_integer_value(step) + 1;
        json_decref(j);
    }
    free(text);
    free(path);
    return st;
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

pt_status pt_curves_read(const pt_method_runs *m, pt_curves **out)
{
    pt_curves *c = pt_calloc(1, sizeof *c);
    sums *s = pt_calloc(1, sizeof *s);
    int(*n)[PT_CURVE_BINS] = pt_calloc(PT_CURVES, sizeof *n);
    size_t steps = 0;
    pt_status st = c && s && n ? PT_OK : pt_fail(PT_ERR_NOMEM, "no memory for curves");

    *out = NULL;
    for (size_t i = 0; i < m->n_runs && st == PT_OK; i++)
        st = read_run(m->runs[i]->dir, NULL, 0, 0, &steps);
    if (st == PT_OK) c->n = steps < PT_CURVE_BINS ? steps : PT_CURVE_BINS;
    for (size_t i = 0; i < m->n_runs && st == PT_OK && steps > 0; i++) {
        memset(s, 0, sizeof *s);
        st = read_run(m->runs[i]->dir, s, steps, c->n, &steps);
        if (st == PT_OK) merge(c, s, n);
    }
    for (size_t b = 0; st == PT_OK && b < c->n; b++) {
        c->step[b] = ((double)b + 0.5) * (double)steps / (double)c->n;
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
