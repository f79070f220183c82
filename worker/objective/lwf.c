/* LwF (Li and Hoiem, ECCV 2016): the source head's answer to an image is held to that of
 * the start weights. */
#include "worker/objective/distill.h"

static void at_source(void *self, const pt_batch *b, int i, const float *z, float *g)
{
    const Pt__Config__Distillation *c = b->run->config->regularizers->lwf;

    pt_distill_at(self, b, i, b->places[i], c->temperature, c->weight, z, g);
}

const pt_worker_method pt_worker_lwf = {.create = pt_distill_create,
                                        .destroy = pt_distill_destroy,
                                        .bytes = pt_distill_bytes,
                                        .at_source = at_source};
