/* FNP: weight * mean over the images of |rep|^2. */
#include "worker/objective/method.h"

static double weight_of(const pt_batch *b)
{
    return b->run->config->regularizers->fnp->weight;
}

static void regress(void *self, const pt_batch *b, int i)
{
    pt_shard_sums *image = &b->images[i];

    if (!pt_is_source(b, i)) image->penalty += weight_of(b) * image->rep * image->rep;
}

static void at_rep(void *self, const pt_batch *b, int i, const double *terms, float *g)
{
    size_t dims = (size_t)pt_run_rep_size(b->run);
    const float *rep = b->rep + (size_t)i * dims;
    double f = 2 * weight_of(b) / b->b;

    if (pt_is_source(b, i)) return;
    for (size_t d = 0; d < dims; d++) g[d] = (float)(g[d] + f * rep[d]);
}

const pt_worker_method pt_worker_fnp = {.regress = regress, .at_rep = at_rep};
