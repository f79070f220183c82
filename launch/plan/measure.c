#include "launch/plan/measure.h"

#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/crc32c.h"
#include "common/run/keys.h"
#include "common/run/outer.h"
#include "common/run/sum.h"
#include "launch/bench/workload.h"
#include "server/sgd.h"
#include "worker/engine/net/net.h"

enum { WARMUP = 1, STEPS = 3, BLOCKS = 64 };

/* ---- layers ------------------------------------------------------------------------ */

typedef struct {
    pt_costs *costs;
    double since;
    bool counts; /* after the warm-up */
} laps;

static void lap(void *context, int node, pt_net_part part)
{
    laps *l = context;
    double now = pt_clock(), s = (now - l->since) / STEPS;
    double *of = part == PT_PART_FORWARD ? l->costs->forward
                 : part == PT_PART_DATA  ? l->costs->data
                                         : l->costs->weights;

    if (l->counts) of[node] += s;
    l->since = now;
}

static pt_status one_step(pt_net *net, const pt_run *run, const pt_bench_images *images,
                          const float *dlogits, laps *l, uint64_t step)
{
    pt_span span = pt_run_span(run, 0, step);
    const float *drep;
    pt_status s;

    l->since = pt_clock();
    l->counts = step >= WARMUP;
    s = pt_net_forward(net, &span, images->pixels, step);
    if (s == PT_OK) s = pt_net_backward_head(net, dlogits, &drep);
    return s == PT_OK ? pt_net_backward(net, drep) : s;
}

static pt_status run_steps(const pt_run *run, const pt_net_options *o, pt_costs *c)
{
    size_t n = (size_t)o->max_images * (size_t)run->graph->n_classes;
    float *dlogits = pt_calloc(n, sizeof *dlogits);
    pt_bench_images images = {0};
    pt_net *net = NULL;
    laps l = {.costs = c};
    pt_status s = dlogits ? pt_bench_images_init(run, 0, &images)
                          : pt_fail(PT_ERR_NOMEM, "no memory for a step");

    for (size_t i = 0; i < n && dlogits; i++) dlogits[i] = 1e-3f;
    if (s == PT_OK) s = pt_net_create(o, &net);
    if (s == PT_OK) pt_net_set_hooks(net, &(pt_net_hooks){.context = &l, .lap = lap});
    for (uint64_t i = 0; i < WARMUP + STEPS && s == PT_OK; i++)
        s = one_step(net, run, &images, dlogits, &l, i);
    pt_net_destroy(&net);
    pt_bench_images_fini(&images);
    free(dlogits);
    return s;
}

pt_status pt_measure_layers(const char *network, int batch, int threads, pt_costs *c)
{
    pt_bench_step_options o = {
        .network = network, .batch = batch, .shards = 1, .threads = threads};
    pt_threads *pool = NULL;
    pt_run *run = NULL;
    pt_status s = pt_threads_create(threads, &pool);

    o.kernels = (pt_kernels){.conv = PT_WINOGRAD};
    pt_kernels_use(o.kernels);
    if (s == PT_OK) s = pt_bench_run_create(&o, 1, WARMUP + STEPS, &run);
    if (s == PT_OK)
        s = run_steps(run,
                      &(pt_net_options){.graph = run->graph,
                                        .pool = pool,
                                        .weights = run->flat,
                                        .max_images = batch,
                                        .n_shards = 1,
                                        .hi = 1,
                                        .training = true,
                                        .kernel = o.kernels.conv},
                      c);
    pt_run_destroy(&run);
    pt_threads_destroy(&pool);
    return s;
}

/* Multiply-adds of one pass over a layer's weights, for one image. */
static double operations(const pt_graph *g, int node)
{
    const pt_node *n = &g->nodes[node];

    if (n->op != PT_OP_CONV && n->op != PT_OP_DEPTHWISE && n->op != PT_OP_LINEAR)
        return 0;
    return (double)n->h * n->w * (double)g->tensors[n->weight].count;
}

void pt_estimate_layers(const pt_graph *g, int batch, double images_per_s, pt_costs *c)
{
    double all = 0, scale;

    for (int i = 1; i < g->n_nodes; i++) {
        c->forward[i] = c->weights[i] = operations(g, i);
        c->data[i] = g->nodes[i].in[0] == 0 ? 0 : c->forward[i];
        all += c->forward[i] + c->weights[i] + c->data[i];
    }
    scale = batch / images_per_s / all;
    for (int i = 0; i < 3 * c->n_nodes; i++) c->forward[i] *= scale;
}

/* ---- rates ------------------------------------------------------------------------- */

static double per_byte(double start)
{
    return (pt_cpu_clock() - start) /
           ((double)BLOCKS * PT_KEY_MAX_FLOATS * sizeof(float));
}

/* Of a key's gradient from the factors of IMAGES; a [3 BLOCKS keys]: overwritten. */
static double per_product(float *a)
{
    enum { IMAGES = 8, OUT = 4096 };
    size_t n = PT_KEY_MAX_FLOATS, rows = n / OUT;
    pt_outer o = {.span = {.n_shards = 1, .hi = 1, .b = IMAGES},
                  .x = a,
                  .ldx = rows,
                  .dy = a + n,
                  .n_out = OUT};
    pt_outer_tree t;
    double start;

    pt_outer_plan(&o.span, (pt_subtree){0, 0}, &t);
    start = pt_cpu_clock();
    for (size_t i = 2; i < BLOCKS; i++)
        pt_outer_form_range(&o, &t, 0, n, a + i * n, a + BLOCKS * n);
    return (pt_cpu_clock() - start) / ((double)(BLOCKS - 2) * IMAGES * (double)n);
}

pt_status pt_measure_rates(pt_cost_rates *r)
{
    size_t n = PT_KEY_MAX_FLOATS;
    float *a = pt_calloc(3 * n * BLOCKS, sizeof *a), *b = a + n * BLOCKS,
          *v = b + n * BLOCKS;
    pt_sgd rule = {.lr = 1e-3f, .momentum = 0.9f, .weight_decay = 1e-4f};
    volatile uint32_t sink = 0; /* so that no checksum is left out */
    double start;

    if (!a) return pt_fail(PT_ERR_NOMEM, "no memory to measure sums");
    start = pt_cpu_clock();
    for (size_t i = 0; i < BLOCKS; i++) sink ^= pt_crc32c(0, a + i * n, n * sizeof *a);
    r->checksum = per_byte(start);
    start = pt_cpu_clock();
    for (size_t i = 0; i < BLOCKS; i++) pt_sum_add(a + i * n, b + i * n, n);
    r->addition = per_byte(start);
    start = pt_cpu_clock();
    for (size_t i = 0; i < BLOCKS; i++)
        if (!pt_sgd_step(a + i * n, v + i * n, b + i * n, n, &rule)) sink++;
    r->update = per_byte(start);
    r->product = per_product(a);
    free(a);
    return PT_OK;
}
