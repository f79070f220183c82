/* AdaRand (Yamaguchi et al., CVPR 2024): weight * mean over batch and dimensions of
 * (rep - target)^2. Terms: each image's target [rep size], from the server. */
#include "worker/objective/method.h"

static void at_rep(void *self, const pt_batch *b, int i, const double *terms, float *g)
{
    int dims = pt_run_rep_size(b->run);
    const float *rep = b->rep + (size_t)i * (size_t)dims;
    const double *target = terms + (size_t)i * (size_t)dims;
    double f = 2 * b->run->config->regularizers->adarand->weight / b->b / dims;

    for (int d = 0; d < dims; d++) g[d] = (float)(g[d] + f * (rep[d] - target[d]));
}

const pt_worker_method pt_worker_adarand = {.at_rep = at_rep};
