#include "worker/objective/mixing.h"

#include <stdlib.h>

#include "common/base/pmath.h"
#include "common/base/rng.h"

/* coordinates of PT_RNG_SHARE */
enum { OF_SHARE = 0, OF_TURN = 2 };

bool pt_mixing_is_turn(const pt_batch *b, pt_method_id method)
{
    const pt_config *c = b->run->config;
    pt_rng r = pt_rng_stream(c->seed, PT_RNG_SHARE, b->step, OF_TURN);
    uint64_t n = 0, mine = 0;

    for (int m = 0; m < PT_N_METHODS; m++) {
        if (!pt_methods[m].is_on(c) || !(pt_methods[m].asks(c) & PT_ASKS_MIRROR))
            continue;
        if (m == (int)method) mine = n;
        n++;
    }
    return pt_rng_below(&r, 0, n) == mine;
}

/* Two powers of uniform numbers, drawn until their sum is at most 1. Each draw succeeds
 * with at least one half, so 200 of them fail never; then it is as good as any. */
enum { MAX_DRAWS = 200 };

double pt_mixing_share(const pt_batch *b, double alpha)
{
    pt_rng r = pt_rng_stream(b->run->config->seed, PT_RNG_SHARE, b->step, OF_SHARE);

    for (uint64_t i = 0; i < MAX_DRAWS; i++) {
        double u = pt_rng_uniform_f64(&r, 2 * i), v = pt_rng_uniform_f64(&r, 2 * i + 1);
        double x = pt_exp(pt_log(u) / alpha), y = pt_exp(pt_log(v) / alpha);

        if (x + y <= 1 && x + y > 0) return x / (x + y);
    }
    return 0.5;
}

size_t pt_mixing_floats(const pt_run *run, int n)
{
    return pt_mul((size_t)n, pt_node_floats(&run->graph->nodes[0]));
}

size_t pt_mixing_bytes(const pt_run *run, const pt_net_options *net)
{
    return pt_mixing_floats(run, net->max_images) * sizeof(float);
}

void pt_mixing_destroy(void *self)
{
    pt_mixing *m = self;

    free(m->mixed);
    free(m);
}

pt_status pt_mixing_create(const pt_run *run, const pt_net_options *net, void **self)
{
    pt_mixing *m = *self = pt_calloc(1, sizeof *m);

    if (m) m->mixed = pt_calloc(pt_mixing_floats(run, net->max_images), sizeof *m->mixed);
    return m && m->mixed ? PT_OK : pt_fail(PT_ERR_NOMEM, "no memory for mixed images");
}

void pt_mixing_classes(void *self, const pt_batch *b, int i, pt_class_target *t)
{
    const pt_mixing *m = self;

    if (m->share == 1) return;
    t->share = m->share;
    t->other = b->labels[b->n + i];
}
