#include "launch/train/step_line.h"

#include <math.h>
#include <stdlib.h>

#include "launch/train/metrics.h"

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* The spread over the images of |g_ce| / (w |g_ptr|): 10, 50 and 90 %. */
static void spread(const pt_step_report *r, double *ratios, double out[3])
{
    static const double at[3] = {0.1, 0.5, 0.9};
    int n = 0;

    for (int i = 0; i < r->images && r->w > 0; i++) {
        const pt_image_norms *t = &r->norms[i];

        if (t->g_ptr > 0) ratios[n++] = t->g_ce / (r->w * t->g_ptr);
    }
    if (n > 0) qsort(ratios, (size_t)n, sizeof *ratios, by_value);
    for (int k = 0; k < 3; k++)
        out[k] = n > 0 ? ratios[(int)(at[k] * (n - 1) + 0.5)] : NAN;
}

/* Means over the workers. */
static void add_split(json_t *line, const pt_split *s)
{
    for (int i = 0; i < PT_PAYLOAD_TIMES; i++)
        json_object_set_new(line, pt_times_names[i], pt_metrics_number(s->of[i]));
    json_object_set_new(line, "exposed_s", pt_metrics_number(s->exposed));
    json_object_set_new(line, "uneven_s", pt_metrics_number(s->uneven));
}

json_t *pt_step_line(const pt_step_report *r, const pt_split *split, double *ratios)
{
    double q[3];
    json_t *line;

    spread(r, ratios, q);
    line = json_pack(
        "{s:I, s:o, s:i, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:o}", "step",
        (json_int_t)r->step, "epoch", pt_metrics_number(r->epoch), "stage", (int)r->stage,
        "images", r->images, "ce", pt_metrics_number(r->means.ce), "ce_ema",
        pt_metrics_number(r->ema), "accuracy", pt_metrics_number(r->means.accuracy),
        "g_ce", pt_metrics_number(r->means.g_ce), "g_ptr",
        pt_metrics_number(r->means.g_ptr), "l_ptr", pt_metrics_number(r->means.l_ptr),
        "w", pt_metrics_number(r->w), "gate", r->gate, "lr", pt_metrics_number(r->lr),
        "head_lr", pt_metrics_number(r->head_lr));
    if (!line) return NULL;
    json_object_set_new(line, "ratio_p10", pt_metrics_number(q[0]));
    json_object_set_new(line, "ratio_p50", pt_metrics_number(q[1]));
    json_object_set_new(line, "ratio_p90", pt_metrics_number(q[2]));
    json_object_set_new(line, "cosine", pt_metrics_number(r->means.cosine));
    json_object_set_new(line, "rep_norm", pt_metrics_number(r->means.rep));
    json_object_set_new(line, "seconds", pt_metrics_number(r->seconds));
    if (pt_times_all(split->of) > 0) add_split(line, split);
    if (r->means.penalty != 0)
        json_object_set_new(line, "penalty", pt_metrics_number(r->means.penalty));
    if (r->gradient_norm > 0)
        json_object_set_new(line, "gradient_norm", pt_metrics_number(r->gradient_norm));
    if (r->means.batch_ce > 0) {
        json_object_set_new(line, "batch_g_ce", pt_metrics_number(r->means.batch_ce));
        json_object_set_new(line, "batch_g_ptr", pt_metrics_number(r->means.batch_ptr));
    }
    if (r->skipped) json_object_set_new(line, "skipped", json_true());
    if (r->probed) {
        json_object_set_new(line, "trunk_g_ce", pt_metrics_number(r->probe_ce));
        json_object_set_new(line, "trunk_g_ptr", pt_metrics_number(r->probe_ptr));
        json_object_set_new(line, "trunk_ratio",
                            pt_metrics_number(r->probe_ce / r->probe_ptr));
    }
    return line;
}
