/* Pairwise Confusion (Dubey et al., ECCV 2018): weight * the mean over the batch of |p -
 * q| of pairs of images, or of its square. Pairs are an image of the first half of the
 * batch and one of the second (their program); an odd last one has no partner. Terms: for
 * each image the label of its partner, -1: it has none, and q [classes]. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/methods/method.h"

typedef struct {
    const pt_run *run;
    pt_rows rows;
} pairs;

static pt_status create(const pt_run *run, int rank, void **self)
{
    pairs *p;

    if (rank > 0) return PT_OK;
    p = pt_calloc(1, sizeof *p);
    if (!p) return pt_fail(PT_ERR_NOMEM, "no memory for pairs of images");
    p->run = run;
    *self = p;
    return PT_OK;
}

static const double *row_of(const pairs *p, int i)
{
    return p->rows.rows + (size_t)i * p->rows.layout.total;
}

/* The partner towards whose probabilities image i is pulled, or -1. */
static int partner(const pairs *p, int i)
{
    size_t label = p->rows.layout.label;
    int half = p->rows.b / 2, j = i < half ? i + half : i - half;

    if (i >= 2 * half) return -1;
    if (p->run->config->regularizers->confusion->different &&
        row_of(p, i)[label] == row_of(p, j)[label])
        return -1;
    return j;
}

static pt_status take(void *self, const pt_rows *rows, double *penalty)
{
    pairs *p = self;
    const Pt__Config__Confusion *c = p->run->config->regularizers->confusion;
    size_t at = rows->layout.probabilities;
    double sum = 0;

    p->rows = *rows;
    for (int i = 0; i < rows->b / 2; i++) {
        int j = partner(p, i);
        double square = 0;

        for (int k = 0; j >= 0 && k < p->run->graph->n_classes; k++) {
            double d = row_of(p, i)[at + k] - row_of(p, j)[at + k];
            square += d * d;
        }
        sum += c->squared ? square : sqrt(square);
    }
    *penalty = c->weight * sum / rows->b;
    return PT_OK;
}

static void terms(const void *self, int first, int n, double *out)
{
    const pairs *p = self;
    size_t classes = (size_t)p->run->graph->n_classes;

    memset(out, 0, (size_t)n * (1 + classes) * sizeof *out);
    for (int i = 0; i < n; i++, out += 1 + classes) {
        int j = partner(p, first + i);

        out[0] = j >= 0 ? row_of(p, j)[p->rows.layout.label] : -1;
        if (j >= 0)
            memcpy(out + 1, row_of(p, j) + p->rows.layout.probabilities,
                   classes * sizeof *out);
    }
}

const pt_server_method pt_server_confusion = {
    .create = create, .destroy = free, .take = take, .terms = terms};
