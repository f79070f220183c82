#include "launch/bench/alone.h"

#include <stdlib.h>

#include "launch/bench/measure.h"
#include "launch/bench/step_result.h"
#include "launch/bench/workload.h"
#include "server/algorithm1.h"
#include "server/sgd.h"
#include "worker/objective/objective.h"

typedef struct {
    pt_run *run;
    pt_threads *pool;
    pt_net *net;
    pt_net_options net_options;
    pt_objective *objective;
    pt_bench_images images;
    pt_bench_laps laps;
    pt_span span; /* the whole batch */
    pt_sgd rule;
    float *velocity; /* [parameters] */
    double *payload; /* to a server that is not there */
} bench;

/* ---- one step --------------------------------------------------------------------- */

/* The server's part before the backward pass: the weight w of the pseudo-task. */
static pt_status weigh(bench *b, uint64_t step, double *w)
{
    pt_payload p = pt_payload_layout(b->run, 0, step);
    pt_batch_means m;

    pt_objective_fill(b->objective, &p, b->payload);
    pt_algorithm1_means((const pt_shard_sums *)(b->payload + p.shards), p.n_shards, &m);
    m.batch_ce = m.g_ce; /* norm: batch costs the same */
    m.batch_ptr = m.g_ptr;
    *w = pt_algorithm1_weight(b->run->config->pseudo_task, &m, true);
    return m.bad == 0 ? PT_OK
                      : pt_fail(PT_ERR_NUMERIC, "%s: the loss of step %llu is not finite",
                                b->run->graph->network, (unsigned long long)step);
}

static void update(void *context, int item, int thread)
{
    bench *b = context;
    const pt_key *k = &b->run->keys->keys[item];
    const pt_tensor *t = &b->run->graph->tensors[k->tensor];

    pt_sgd_step(b->run->flat + k->offset, b->velocity + k->offset,
                pt_net_gradient(b->net, k->tensor, 0) + (k->offset - t->offset), k->count,
                &b->rule);
}

static pt_status one_step(bench *b, uint64_t step)
{
    const pt_graph *g = b->run->graph;
    const float *pixels, *dlogits, *drep;
    double w;
    pt_status s;

    pt_run_enter_step(b->run, step);
    pt_bench_laps_start(&b->laps);
    pixels = pt_objective_begin(b->objective, step, &b->span, b->images.pixels,
                                b->images.labels);
    s = pt_net_forward(b->net, &b->span, pixels, step);
    if (s != PT_OK) return s;
    dlogits = pt_objective_classify(b->objective, pt_net_output(b->net, g->logits));
    pt_bench_charge(&b->laps, PT_KIND_LOSS);
    s = pt_net_backward_head(b->net, dlogits, &drep);
    if (s != PT_OK) return s;
    pt_objective_regress(b->objective, pt_net_output(b->net, g->rep), drep);
    s = weigh(b, step, &w);
    if (s != PT_OK) return s;
    drep = pt_objective_at_rep(b->objective, drep, w, NULL);
    pt_bench_charge(&b->laps, PT_KIND_LOSS);
    s = pt_net_backward(b->net, drep);
    if (s != PT_OK) return s;
    pt_threads_run(b->pool, b->run->keys->n, update, b);
    pt_bench_charge(&b->laps, PT_KIND_UPDATE);
    return PT_OK;
}

/* ---- all -------------------------------------------------------------------------- */

static void fini(bench *b)
{
    pt_net_destroy(&b->net);
    pt_objective_destroy(&b->objective);
    pt_bench_images_fini(&b->images);
    pt_run_destroy(&b->run);
    free(b->velocity);
    free(b->payload);
}

static pt_status init(const pt_bench_step_options *o, pt_threads *pool, bench *b)
{
    pt_status s;

    b->pool = pool;
    pt_kernels_use(o->kernels);
    s = pt_bench_run_create(o, 1, o->warmup + o->steps, &b->run);
    if (s != PT_OK) return s;
    b->span = pt_run_span(b->run, 0, 0);
    b->laps.graph = b->run->graph;
    b->rule = (pt_sgd){.lr = b->run->config->optimizer->lr,
                       .momentum = b->run->config->optimizer->momentum,
                       .weight_decay = b->run->config->optimizer->weight_decay};
    b->net_options = (pt_net_options){.graph = b->run->graph,
                                      .pool = pool,
                                      .weights = b->run->flat,
                                      .max_images = b->span.b,
                                      .n_shards = o->shards,
                                      .hi = o->shards,
                                      .training = true,
                                      .bn_mode = PT_BN_SYNC,
                                      .kernel = o->kernels.conv,
                                      .seed = b->run->config->seed};
    pt_objective_net_options(b->run, &b->net_options);
    b->velocity = pt_calloc(b->run->graph->n_param_floats, sizeof *b->velocity);
    b->payload = pt_calloc(pt_payload_bound(b->run), sizeof *b->payload);
    if (!b->velocity || !b->payload)
        return pt_fail(PT_ERR_NOMEM, "no memory for the step");
    s = pt_objective_create(b->run, &b->net_options, &b->objective);
    if (s == PT_OK) s = pt_bench_images_init(b->run, 0, &b->images);
    return s == PT_OK ? pt_net_create(&b->net_options, &b->net) : s;
}

/* Median of the steps; each kind's part by its share of all of them. */
static pt_status measure(const pt_bench_step_options *o, bench *b,
                         pt_bench_alone_result *r)
{
    double *times = pt_calloc((size_t)o->steps, sizeof *times), all = 0;
    pt_status s = times ? PT_OK : pt_fail(PT_ERR_NOMEM, "no memory for the times");

    pt_net_set_hooks(b->net, &(pt_net_hooks){.context = &b->laps, .lap = pt_bench_lap});
    for (int i = 0; i < o->warmup + o->steps && s == PT_OK; i++) {
        double before = 0, after = 0;

        if (i == o->warmup) b->laps = (pt_bench_laps){.graph = b->run->graph};
        for (int k = 0; k < PT_N_KINDS; k++) before += b->laps.seconds[k];
        s = one_step(b, (uint64_t)i);
        for (int k = 0; k < PT_N_KINDS; k++) after += b->laps.seconds[k];
        if (i >= o->warmup && s == PT_OK) times[i - o->warmup] = after - before;
        all = after;
    }
    if (s == PT_OK) {
        r->seconds = pt_bench_median(times, o->steps);
        for (int k = 0; k < PT_N_KINDS; k++)
            r->parts[k] = b->laps.seconds[k] / all * r->seconds;
        r->arena = pt_net_plan(&b->net_options);
        r->peak_rss = pt_bench_peak_rss();
    }
    free(times);
    return s;
}

pt_status pt_bench_alone(const pt_bench_step_options *o)
{
    bench b = {0};
    pt_bench_alone_result r = {0};
    pt_threads *pool = NULL;
    pt_status s = pt_threads_create(o->threads, &pool);

    if (s == PT_OK) s = init(o, pool, &b);
    if (s == PT_OK)
        s = pt_bench_measure_peak(pool, pt_kernel_bf16(o->kernels.conv), &r.peak);
    if (s == PT_OK) s = measure(o, &b, &r);
    if (s == PT_OK) s = pt_bench_print_alone(o, b.run->graph, &r);
    fini(&b);
    pt_threads_destroy(&pool);
    return s;
}
