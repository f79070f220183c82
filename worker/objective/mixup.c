/* mixup (Zhang et al., ICLR 2018): a step's images, and what they should be, are mixed
 * with the batch in reverse order, all with one share from Beta(alpha, alpha), alpha in
 * (0, 1]. */
#include "worker/objective/mixing.h"

/* In float. The source gave the partners after the images. */
static const float *input(void *self, const pt_batch *b, const float *pixels)
{
    size_t n = pt_mixing_floats(b->run, b->n);
    const float *partners = pixels + n;
    pt_mixing *m = self;
    float s, t;

    m->share = 1;
    if (!pt_mixing_is_turn(b, PT_METHOD_MIXUP)) return pixels;
    m->share = pt_mixing_share(b, b->run->config->cross_entropy->mixup);
    s = (float)m->share;
    t = (float)(1 - m->share);
    for (size_t i = 0; i < n; i++) m->mixed[i] = s * pixels[i] + t * partners[i];
    return m->mixed;
}

const pt_worker_method pt_worker_mixup = {.create = pt_mixing_create,
                                          .destroy = pt_mixing_destroy,
                                          .bytes = pt_mixing_bytes,
                                          .input = input,
                                          .classes = pt_mixing_classes};
