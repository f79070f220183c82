/* Co-Tuning (You et al., NeurIPS 2020): how each class relates to the source classes,
 * log p(source class | class): the mean of the probabilities that the start weights give
 * to the class's training images. A class without an image gets equal probabilities. */
#include <stdlib.h>

#include "common/base/pmath.h"
#include "server/methods/method.h"

/* sum [n] += softmax(z). */
static void add_softmax(const float *z, size_t n, double *scratch, double *sum)
{
    double max = z[0], all = 0;

    for (size_t i = 1; i < n; i++)
        if (z[i] > max) max = z[i];
    for (size_t i = 0; i < n; i++) all += scratch[i] = pt_exp(z[i] - max);
    for (size_t i = 0; i < n; i++) sum[i] += scratch[i] / all;
}

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

const pt_server_method pt_server_co_tuning = {.relate = relate};
