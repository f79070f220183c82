/* DELTA (Li et al., ICLR 2019, equation 5): maps of some nodes are held to those that the
 * start weights make of the same pixels. */
#include "worker/objective/method.h"

#include <stdlib.h>

typedef struct {
    pt_net *net;       /* with the start weights: forward only, shard by shard */
    float **gradients; /* [n_maps]: [max_images] maps each */
    int n;
} delta;

static const pt_node *node_of(const pt_run *r, int k)
{
    return &r->graph->nodes[r->given.maps[k]];
}

static void net_options(const pt_run *run, pt_net_options *o)
{
    o->maps = run->given.maps;
    o->n_maps = run->given.n_maps;
}

static pt_net_options start_options(const pt_run *run, const pt_net_options *net)
{
    pt_net_options o = {.graph = run->graph,
                        .pool = net->pool,
                        .weights = run->given.start,
                        .max_images = run->plan->batch / run->plan->n_shards + 1,
                        .n_shards = 1,
                        .hi = 1,
                        .kernel = net->kernel};

    net_options(run, &o);
    return o;
}

static void destroy(void *self)
{
    delta *d = self;

    pt_net_destroy(&d->net);
    for (int k = 0; k < d->n; k++) free(d->gradients[k]);
    free(d->gradients);
    free(d);
}

static pt_status create(const pt_run *run, const pt_net_options *net, void **self)
{
    pt_net_options o = start_options(run, net);
    size_t n = (size_t)run->given.n_maps;
    delta *d = *self = pt_calloc(1, sizeof *d);
    bool ok = d && (d->gradients = pt_calloc(n, sizeof *d->gradients));

    for (size_t k = 0; k < n && ok; k++, d->n++) {
        size_t floats =
            pt_mul((size_t)net->max_images, pt_node_floats(node_of(run, d->n)));

        ok = (d->gradients[k] = pt_calloc(floats, sizeof(float))) != NULL;
    }
    return ok ? pt_net_create(&o, &d->net)
              : pt_fail(PT_ERR_NOMEM, "no memory for feature maps");
}

static size_t bytes(const pt_run *run, const pt_net_options *net)
{
    pt_net_options o = start_options(run, net);
    pt_net_memory m = pt_net_plan(&o);
    size_t n = m.activations + m.scratch;

    for (int k = 0; k < run->given.n_maps; k++)
        n += (size_t)net->max_images * pt_node_floats(node_of(run, k)) * sizeof(float);
    return n;
}

static pt_net *net_of(void *self)
{
    return ((delta *)self)->net;
}

/* map, start [pixels][channels] of one image, d = map - start; factor [channels], NULL:
 * 1:
 *
 *     loss = 1 / (2 pixels) sum of factor d^2,    g = scale / pixels * factor * d */
static double hold(const float *map, const float *start, size_t pixels, size_t channels,
                   const float *factor, double scale, float *g)
{
    double sum = 0, f = scale / (double)pixels;

    for (size_t p = 0; p < pixels; p++) {
        for (size_t c = 0; c < channels; c++) {
            double d = (double)map[c] - start[c], a = factor ? (double)factor[c] : 1;

            sum += a * (d * d);
            g[c] = (float)(f * a * d);
        }
        map += channels;
        start += channels;
        g += channels;
    }
    return sum / (2 * (double)pixels);
}

/* Images of one node's maps, the first of them image `first` of the batch. */
typedef struct {
    const pt_batch *b;
    int first;
    const pt_node *node;
    const float *map, *start, *factor;
    float *g;
} maps;

static void hold_image(void *context, int i, int thread)
{
    const maps *m = context;
    size_t pixels = (size_t)m->node->h * (size_t)m->node->w, c = (size_t)m->node->c;
    size_t at = (size_t)i * pixels * c;
    double weight = m->b->run->config->regularizers->delta->weight;

    pt_penalize(m->b, m->first + i, weight,
                hold(m->map + at, m->start + at, pixels, c, m->factor, weight / m->b->b,
                     m->g + at));
}

/* n images of all nodes, from `first` on. */
static void hold_images(const delta *d, const pt_batch *b, const pt_net *net, int first,
                        int n)
{
    const pt_given *given = &b->run->given;
    const float *factor = given->attention;

    for (int k = 0; k < d->n; k++) {
        const pt_node *node = node_of(b->run, k);
        size_t at = (size_t)first * pt_node_floats(node);
        maps m = {.b = b,
                  .first = first,
                  .node = node,
                  .map = pt_net_output(net, given->maps[k]) + at,
                  .start = pt_net_output(d->net, given->maps[k]),
                  .factor = factor,
                  .g = d->gradients[k] + at};

        pt_threads_run(b->pool, n, hold_image, &m);
        if (factor) factor += node->c;
    }
}

/* Shard by shard: the net of the start weights has buffers for the images of one. */
static pt_status at_maps(void *self, const pt_batch *b, pt_net *net, const float *pixels)
{
    delta *d = self;
    size_t one = pt_node_floats(&b->run->graph->nodes[0]);
    int first = 0;
    pt_status s = PT_OK;

    for (int shard = b->span.lo; shard < b->span.hi && s == PT_OK; shard++) {
        int n = pt_shard_size(&b->span, shard);

        if (n == 0) continue;
        s = pt_net_evaluate(d->net, n, pixels + (size_t)first * one);
        if (s == PT_OK) hold_images(d, b, net, first, n);
        first += n;
    }
    for (int k = 0; k < d->n && s == PT_OK; k++)
        pt_net_add_map_gradient(net, k, d->gradients[k]);
    return s;
}

const pt_worker_method pt_worker_delta = {.create = create,
                                          .destroy = destroy,
                                          .bytes = bytes,
                                          .net_options = net_options,
                                          .net = net_of,
                                          .at_maps = at_maps};
