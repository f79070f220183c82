/* Co-Tuning (You et al., NeurIPS 2020): the source head's answer to an image is held to
 * those of the start weights to the images of its class. */
#include "worker/objective/distill.h"

static void at_source(void *self, const pt_batch *b, int i, const float *z, float *g)
{
    double weight = b->run->config->regularizers->co_tuning->weight;

    pt_distill_at(self, b, i, (size_t)b->labels[i], 1, weight, z, g);
}

const pt_worker_method pt_worker_co_tuning = {.create = pt_distill_create,
                                              .destroy = pt_distill_destroy,
                                              .bytes = pt_distill_bytes,
                                              .at_source = at_source};
