/* BSS (Chen et al., NeurIPS 2019): weight * sum of the squares of the k smallest singular
 * values of the batch's representations. Terms: for each of the k, a factor for each
 * image [n] and a direction [rep size]; the gradient of the square is 2 * factor *
 * direction. */
#include "worker/objective/method.h"

static void at_rep(void *self, const pt_batch *b, int i, const double *terms, float *g)
{
    const Pt__Config__Shrinkage *c = b->run->config->regularizers->bss;
    size_t n = (size_t)b->n, dims = (size_t)pt_run_rep_size(b->run);
    double eta = c->weight;

    for (uint32_t k = 0; k < c->k; k++, terms += n + dims)
        for (size_t d = 0; d < dims; d++)
            g[d] = (float)(g[d] + 2 * eta * terms[i] * terms[n + d]);
}

const pt_worker_method pt_worker_bss = {.at_rep = at_rep};
