/* mixup (Zhang et al., ICLR 2018): a step's images, and what they should be, are mixed
 * with the batch in reverse order, all with one share from Beta(alpha, alpha), alpha in
 * (0, 1]. */
#include "worker/objective/method.h"

#include <stdlib.h>

#include "common/base/pmath.h"
#include "common/base/rng.h"

typedef struct {
    double share; /* of the image itself, in this step */
    float *mixed; /* [max_images][input] */
} mixup;

/* Two powers of uniform numbers, drawn until their sum is at most 1. Each draw succeeds
 * with at least one half, so 200 of them fail never; then it is as good as any. */
enum { MAX_DRAWS = 200 };

/* By Johnk's method (1964) from the step's stream: at alpha 1 a uniform number. */
static double draw_share(uint64_t seed, uint64_t step, double alpha)
{
    pt_rng r = pt_rng_stream(seed, PT_RNG_SHARE, step, 0);

    for (uint64_t i = 0; i < MAX_DRAWS; i++) {
        double u = pt_rng_uniform_f64(&r, 2 * i), v = pt_rng_uniform_f64(&r, 2 * i + 1);
        double x = pt_exp(pt_log(u) / alpha), y = pt_exp(pt_log(v) / alpha);

        if (x + y <= 1 && x + y > 0) return x / (x + y);
    }
    return 0.5;
}

static size_t floats(const pt_run *run, int n)
{
    return pt_mul((size_t)n, pt_node_floats(&run->graph->nodes[0]));
}

static size_t bytes(const pt_run *run, const pt_net_options *net)
{
    return floats(run, net->max_images) * sizeof(float);
}

static void destroy(void *self)
{
    mixup *m = self;

    free(m->mixed);
    free(m);
}

static pt_status create(const pt_run *run, const pt_net_options *net, void **self)
{
    mixup *m = *self = pt_calloc(1, sizeof *m);

    if (m) m->mixed = pt_calloc(floats(run, net->max_images), sizeof *m->mixed);
    return m && m->mixed ? PT_OK : pt_fail(PT_ERR_NOMEM, "no memory for mixed images");
}

/* In float. The source gave the partners after the images. */
static const float *input(void *self, const pt_batch *b, const float *pixels)
{
    const pt_config *c = b->run->config;
    size_t n = floats(b->run, b->n);
    const float *partners = pixels + n;
    mixup *m = self;
    float s, t;

    m->share = draw_share(c->seed, b->step, c->cross_entropy->mixup);
    s = (float)m->share;
    t = (float)(1 - m->share);
    for (size_t i = 0; i < n; i++) m->mixed[i] = s * pixels[i] + t * partners[i];
    return m->mixed;
}

static void classes(void *self, const pt_batch *b, int i, pt_class_target *t)
{
    const mixup *m = self;

    t->share = m->share;
    t->other = b->labels[b->n + i];
}

const pt_worker_method pt_worker_mixup = {.create = create,
                                          .destroy = destroy,
                                          .bytes = bytes,
                                          .input = input,
                                          .classes = classes};
