#include <math.h>
#include <stdlib.h>

#include "launch/report/course.h"
#include "launch/report/curves.h"
#include "launch/report/page_values.h"
#include "launch/report/svg.h"

enum {
    MAX_BANDS = 4,  /* more would cover each other */
    MAX_POINTS = 64 /* numbers of workers */
};

/* ---- training --------------------------------------------------------------------- */

/* low, high: the band; where they are the mean, it is that of the runs. */
typedef struct {
    const char *title;
    pt_curve mean, low, high;
    bool log_y, noisy;
} quantity;

static const quantity quantities[] = {
    {"Cross-entropy of the batch", PT_CURVE_CE, PT_CURVE_CE, PT_CURVE_CE, true, true},
    {"Accuracy on the batch", PT_CURVE_ACCURACY, PT_CURVE_ACCURACY, PT_CURVE_ACCURACY,
     false, true},
    {"Norm of the representation", PT_CURVE_REP, PT_CURVE_REP, PT_CURVE_REP, false, true},
    {"Weight w of the pseudo-task", PT_CURVE_W, PT_CURVE_W, PT_CURVE_W, true, true},
    {"|g_ce| / (w |g_ptr|) over the images", PT_CURVE_RATIO_50, PT_CURVE_RATIO_10,
     PT_CURVE_RATIO_90, true, true},
    {"Learning rate", PT_CURVE_LR, PT_CURVE_LR, PT_CURVE_LR, true, false},
};

/* A chart with a line for each method of the block; lines [n_methods]: scratch. */
static json_t *draw(const pt_block *b, pt_curves *const *curves, const quantity *q,
                    pt_line *lines)
{
    bool of_runs = q->low == q->mean;
    bool bands = !of_runs || b->n_methods <= MAX_BANDS;
    pt_chart chart = {.title = q->title,
                      .x_label = "step",
                      .log_y = q->log_y,
                      .noisy = q->noisy,
                      .lines = lines,
                      .n_lines = b->n_methods};

    for (size_t i = 0; i < b->n_methods; i++) {
        const pt_curves *c = curves[i];

        lines[i] = (pt_line){.label = b->methods[i].name,
                             .style = b->methods[i].style,
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

/* ---- tests while training --------------------------------------------------------- */

static pt_line line_of(const pt_course *c, const char *label, int style, bool band)
{
    return (pt_line){label,
                     style,
                     c->n,
                     c->epoch,
                     c->mean,
                     band ? c->low : NULL,
                     band ? c->high : NULL};
}

/* The drawing, null where no run was tested before its end. */
static json_t *draw_course(const char *title, const pt_course *c, const pt_line *lines,
                           size_t n)
{
    const pt_chart chart = {
        .title = title, .x_label = "epoch", .marked = true, .lines = lines, .n_lines = n};
    bool any = false;

    for (size_t i = 0; i < n; i++) any = any || c[i].n > 1;
    return any ? pt_page_take(pt_svg_chart(&chart)) : json_null();
}

/* Of a method alone: its sets of images; else the methods' test images. */
pt_status pt_page_course(const pt_block *b, json_t **out)
{
    static const char *const sets[] = {"test", "validation"};
    bool alone = b->n_methods == 1;
    size_t n = alone ? 2 : b->n_methods;
    pt_course *c = pt_calloc(n, sizeof *c);
    pt_line *lines = pt_calloc(n, sizeof *lines);
    pt_status s = c && lines ? PT_OK : pt_fail(PT_ERR_NOMEM, "no memory for curves");

    for (size_t i = 0; i < n && s == PT_OK; i++) {
        const pt_method_runs *m = &b->methods[alone ? 0 : i];

        s = pt_course_read(m, alone ? sets[i] : "test", &c[i]);
        lines[i] =
            line_of(&c[i], alone ? sets[i] : m->name, alone ? 1 + 2 * (int)i : m->style,
                    n <= MAX_BANDS && m->n_runs > 1);
    }
    *out = s == PT_OK ? draw_course(alone ? "Accuracy over the epochs, %"
                                          : "Test accuracy over the epochs, %",
                                    c, lines, n)
                      : NULL;
    for (size_t i = 0; c && i < n; i++) pt_course_fini(&c[i]);
    free(c);
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
    pt_chart chart = {.title = "Images per second against workers",
                      .x_label = "workers",
                      .marked = true,
                      .lines = &line,
                      .n_lines = 1};

    for (int w = 0; line.n < MAX_POINTS && (w = more_workers(b, w, &y[line.n])) > 0;)
        x[line.n++] = w;
    return line.n > 1 ? pt_page_take(pt_svg_chart(&chart)) : json_null();
}
