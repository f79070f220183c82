#include <math.h>
#include <stdlib.h>

#include "launch/report/curves.h"
#include "launch/report/page_values.h"
#include "launch/report/svg.h"

enum {
    STYLES = 16,    /* in page.css */
    MAX_BANDS = 4,  /* more would cover each other */
    MAX_POINTS = 64 /* numbers of workers */
};

int pt_page_style_of(const pt_block *b, const pt_method_runs *m)
{
    return (int)((m - b->methods) % STYLES);
}

/* ---- training --------------------------------------------------------------------- */

/* low, high: the band; where they are the mean, it is that of the runs. */
typedef struct {
    const char *title;
    pt_curve mean, low, high;
    bool log_y;
} quantity;

static const quantity quantities[] = {
    {"Cross-entropy of the batch", PT_CURVE_CE, PT_CURVE_CE, PT_CURVE_CE, true},
    {"Accuracy on the batch", PT_CURVE_ACCURACY, PT_CURVE_ACCURACY, PT_CURVE_ACCURACY,
     false},
    {"Norm of the representation", PT_CURVE_REP, PT_CURVE_REP, PT_CURVE_REP, false},
    {"Weight w of the pseudo-task", PT_CURVE_W, PT_CURVE_W, PT_CURVE_W, true},
    {"|g_ce| / (w |g_ptr|) over the images", PT_CURVE_RATIO_50, PT_CURVE_RATIO_10,
     PT_CURVE_RATIO_90, true},
    {"Learning rate", PT_CURVE_LR, PT_CURVE_LR, PT_CURVE_LR, true},
};

/* A chart with a line for each method of the block; lines [n_methods]: scratch. */
static json_t *draw(const pt_block *b, pt_curves *const *curves, const quantity *q,
                    pt_line *lines)
{
    bool of_runs = q->low == q->mean;
    bool bands = !of_runs || b->n_methods <= MAX_BANDS;
    pt_chart chart = {q->title, "step", q->log_y, lines, b->n_methods};

    for (size_t i = 0; i < b->n_methods; i++) {
        const pt_curves *c = curves[i];

        lines[i] = (pt_line){.label = b->methods[i].name,
                             .style = pt_page_style_of(b, &b->methods[i]),
                             .n = c->n,
                             .x = c->step,
                             .y = c->mean[q->mean]};
        if (!bands) continue;
        lines[i].low = of_runs ? c->low[q->mean] : c->mean[q->low];
        lines[i].high = of_runs ? c->high[q->mean] : c->mean[q->high];
    }
    return pt_page_take(pt_svg_chart(&chart));
}

pt_status pt_page_training(const pt_block *b, json_t **out)
{
    pt_curves **curves = pt_calloc(b->n_methods, sizeof *curves);
    pt_line *lines = pt_calloc(b->n_methods, sizeof *lines);
    pt_status s = curves && lines ? PT_OK : pt_fail(PT_ERR_NOMEM, "no memory for curves");

    *out = json_array();
    for (size_t i = 0; i < b->n_methods && s == PT_OK; i++)
        s = pt_curves_read(&b->methods[i], &curves[i]);
    for (size_t i = 0; i < sizeof quantities / sizeof *quantities && s == PT_OK; i++)
        pt_page_append(out, draw(b, curves, &quantities[i], lines));
    for (size_t i = 0; curves && i < b->n_methods; i++) free(curves[i]);
    free(curves);
    free(lines);
    return s;
}

/* ---- scaling ---------------------------------------------------------------------- */

/* The smallest number of workers above `workers` that a run of the block had, 0 if there
 * is none; and its runs' mean images per second. */
static int more_workers(const pt_block *b, int workers, double *images_per_s)
{
    int more = 0, n = 0;
    double sum = 0;

    for (size_t i = 0; i < b->n_methods; i++)
        for (size_t r = 0; r < b->methods[i].n_runs; r++) {
            const pt_finished_run *run = b->methods[i].runs[r];

            if (run->workers <= workers || !isfinite(run->images_per_s)) continue;
            if (more > 0 && run->workers > more) continue;
            if (run->workers != more) sum = n = 0;
            more = run->workers;
            sum += run->images_per_s;
            n++;
        }
    *images_per_s = sum / n;
    return more;
}

json_t *pt_page_scaling(const pt_block *b)
{
    double x[MAX_POINTS], y[MAX_POINTS];
    pt_line line = {.label = "images/s", .style = 1, .x = x, .y = y};
    pt_chart chart = {"Images per second against workers", "workers", false, &line, 1};

    for (int w = 0; line.n < MAX_POINTS && (w = more_workers(b, w, &y[line.n])) > 0;)
        x[line.n++] = w;
    return line.n > 1 ? pt_page_take(pt_svg_chart(&chart)) : json_null();
}
