#include "server/given.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/pmath.h"

/* Mean and deviation of every dimension over the images, in image order, in double. */
static void describe(pt_run *r, const float *rows, size_t n, size_t dims)
{
    for (size_t d = 0; d < dims; d++) {
        double mean = 0, m2 = 0;

        for (size_t i = 0; i < n; i++) mean += rows[i * dims + d];
        mean /= (double)n;
        for (size_t i = 0; i < n; i++) {
            double e = rows[i * dims + d] - mean;
            m2 += e * e;
        }
        r->given.feature_mean[d] = (float)mean;
        r->given.feature_std[d] = (float)sqrt(m2 / (double)n);
    }
}

/* sum [n] += softmax(z). */
static void add_softmax(const float *z, size_t n, double *scratch, double *sum)
{
    double max = z[0], all = 0;

    for (size_t i = 1; i < n; i++)
        if (z[i] > max) max = z[i];
    for (size_t i = 0; i < n; i++) all += scratch[i] = pt_exp(z[i] - max);
    for (size_t i = 0; i < n; i++) sum[i] += scratch[i] / all;
}

/* Co-Tuning: answers rows [n][classes] to log p(source class | label). A class without an
 * image gets equal probabilities. */
static pt_status relate(const pt_run *r, const float *rows, size_t n, size_t classes)
{
    size_t targets = (size_t)r->graph->n_classes;
    double *scratch = pt_calloc(classes, sizeof *scratch);
    double *sum = pt_calloc(pt_mul(targets, classes), sizeof *sum);
    double *images = pt_calloc(targets, sizeof *images);
    pt_status st = scratch && sum && images
                       ? PT_OK
                       : pt_fail(PT_ERR_NOMEM, "no memory for the relation of classes");

    for (size_t i = 0; i < n && st == PT_OK; i++) {
        size_t label = (size_t)r->given.labels[i];

        add_softmax(rows + i * classes, classes, scratch, sum + label * classes);
        images[label]++;
    }
    for (size_t k = 0; k < targets * classes && st == PT_OK; k++)
        r->given.responses[k] =
            images[k / classes] > 0 ? (float)pt_log(sum[k] / images[k / classes]) : 0;
    free(scratch);
    free(sum);
    free(images);
    return st;
}

pt_status pt_given_answers(pt_workers *w, pt_run *run)
{
    const pt_graph *g = run->graph;
    size_t n = run->plan->n_images, classes, floats = pt_run_response_floats(run);
    float *rows = NULL;
    pt_status s = PT_OK;

    if (floats == 0) return PT_OK;
    classes = (size_t)g->nodes[g->source_logits].c;
    if (run->first_step == 0) {
        s = pt_workers_take_rows(w, n, classes, &rows);
        if (s == PT_OK && run->asks & PT_ASKS_RELATION)
            s = relate(run, rows, n, classes);
        else if (s == PT_OK)
            memcpy(run->given.responses, rows, floats * sizeof *rows);
        free(rows);
    }
    return s == PT_OK ? pt_workers_send(w, PT_MSG_FEATURES, run->given.responses, floats)
                      : s;
}

pt_status pt_given_features(pt_workers *w, pt_run *run, pt_coupler *coupler)
{
    size_t dims = (size_t)pt_run_rep_size(run), n = run->plan->n_images;
    float *rows;
    pt_status s;

    if (run->first_step > 0 || !(run->asks & (PT_ASKS_FEATURES | PT_ASKS_MOMENTS)))
        return PT_OK;
    s = pt_workers_take_rows(w, n, dims, &rows);
    if (s == PT_OK) s = pt_coupler_start(coupler, rows, run->given.labels, n);
    if (s == PT_OK && run->given.feature_mean) {
        describe(run, rows, n, dims);
        s = pt_workers_send(w, PT_MSG_FEATURES, run->given.feature_mean, dims);
        if (s == PT_OK)
            s = pt_workers_send(w, PT_MSG_FEATURES, run->given.feature_std, dims);
    }
    free(rows);
    return s;
}
