/* Pairwise Confusion (Dubey et al., ECCV 2018): the class probabilities p and q of two
 * images are drawn together, by the gradient at the logits of |p - q|, or its square.
 * Terms: for each image the label of its partner, -1: it has none, and q [classes]. */
#include "worker/objective/method.h"

#include <math.h>

static void at_logits(void *self, const pt_batch *b, int i, const double *terms, float *g)
{
    const Pt__Config__Confusion *c = b->run->config->regularizers->confusion;
    int classes = b->run->graph->n_classes;
    const double *p = b->p + (size_t)i * (size_t)classes;
    const double *partner = terms + (size_t)i * (size_t)(classes + 1), *q = partner + 1;
    double scale = c->weight / b->b, square = 0, dot = 0, of_p;

    if (partner[0] < 0) return;
    for (int k = 0; k < classes; k++) {
        square += (p[k] - q[k]) * (p[k] - q[k]);
        dot += (p[k] - q[k]) * p[k];
    }
    if (square == 0) return; /* at p = q the distance has no gradient */
    of_p = c->squared ? 2 * scale : scale / sqrt(square); /* d L / d p = of_p (p - q) */
    for (int k = 0; k < classes; k++)
        g[k] = (float)(g[k] + of_p * p[k] * (p[k] - q[k] - dot));
}

const pt_worker_method pt_worker_confusion = {.at_logits = at_logits};
