#include "launch/bench/alone.h"

#include <math.h>
#include <stdlib.h>

#include "common/comm/comm.h"
#include "launch/bench/result.h"
#include "launch/bench/workload.h"
#include "server/norms.h"
#include "server/sgd.h"
#include "worker/objective/cross_entropy.h"
#include "worker/objective/pseudo_task.h"

typedef struct {
    pt_run *run;
    pt_threads *pool;
    pt_net *net;
    pt_net_options net_options;
    pt_bench_images images;
    pt_bench_laps laps;
    pt_span span; /* the whole batch */
    pt_pseudo_task task;
    pt_sgd rule;
    const float *drep;
    float *dlogits;                  /* [b][classes] */
    float *g_ptr;                    /* [b][dims]; becomes the combined gradient */
    float *velocity;                 /* [parameters] */
    double *ce, *norm_ce, *norm_ptr; /* [b] */
} bench;

/* ---- one step --------------------------------------------------------------------- */

static void classify(void *context, int i, int thread)
{
    bench *b = context;
    const pt_graph *g = b->run->graph;
    size_t at = (size_t)i * (size_t)g->n_classes;
    double correct;

    b->ce[i] = pt_cross_entropy(pt_net_output(b->net, g->logits) + at, g->n_classes,
                                pt_class(b->images.labels[i]), 1.0 / b->span.b,
                                b->dlogits + at, &correct);
}

static void regress(void *context, int i, int thread)
{
    bench *b = context;
    size_t at = (size_t)i * (size_t)b->task.dims;
    const float *rep = pt_net_output(b->net, b->run->graph->rep) + at;
    float *g = b->g_ptr + at;

    pt_pseudo_task_target(&b->task, 0, i, g);
    pt_pseudo_task_gradient(&b->task, rep, g, 1.0 / b->span.b, g);
    b->norm_ce[i] = pt_norm(b->drep + at, b->task.dims);
    b->norm_ptr[i] = pt_norm(g, b->task.dims);
}

/* g_ptr <- g_ce + w * g_ptr; false where a loss or norm is not finite. */
static bool combine(bench *b)
{
    size_t n = (size_t)b->span.b * (size_t)b->task.dims;
    double ce = 0, ptr = 0, loss = 0;
    float w;

    for (int i = 0; i < b->span.b; i++) {
        ce += b->norm_ce[i];
        ptr += b->norm_ptr[i];
        loss += b->ce[i];
    }
    w = (float)pt_pseudo_task_weight(true, ce, ptr, b->run->config->pseudo_task->ratio);
    for (size_t i = 0; i < n; i++) b->g_ptr[i] = b->drep[i] + w * b->g_ptr[i];
    return isfinite(loss) && isfinite(ce) && isfinite(ptr);
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
    pt_status s;

    pt_bench_laps_start(&b->laps);
    s = pt_net_forward(b->net, &b->span, b->images.pixels, step);
    if (s != PT_OK) return s;
    pt_threads_run(b->pool, b->span.b, classify, b);
    pt_bench_charge(&b->laps, PT_KIND_LOSS);
    s = pt_net_backward_head(b->net, b->dlogits, &b->drep);
    if (s != PT_OK) return s;
    pt_threads_run(b->pool, b->span.b, regress, b);
    if (!combine(b))
        return pt_fail(PT_ERR_NUMERIC, "%s: the loss of step %llu is not finite",
                       b->run->graph->network, (unsigned long long)step);
    pt_bench_charge(&b->laps, PT_KIND_LOSS);
    s = pt_net_backward(b->net, b->g_ptr);
    if (s != PT_OK) return s;
    pt_threads_run(b->pool, b->run->keys->n, update, b);
    pt_bench_charge(&b->laps, PT_KIND_UPDATE);
    return PT_OK;
}

/* ---- all -------------------------------------------------------------------------- */

static void fini(bench *b)
{
    pt_net_destroy(&b->net);
    pt_bench_images_fini(&b->images);
    pt_run_destroy(&b->run);
    free(b->dlogits);
    free(b->g_ptr);
    free(b->velocity);
    free(b->ce);
    free(b->norm_ce);
    free(b->norm_ptr);
}

static pt_status make_buffers(bench *b)
{
    const pt_graph *g = b->run->graph;
    size_t n = (size_t)b->span.b;

    b->dlogits = pt_calloc(n * (size_t)g->n_classes, sizeof *b->dlogits);
    b->g_ptr = pt_calloc(n * (size_t)b->task.dims, sizeof *b->g_ptr);
    b->velocity = pt_calloc(g->n_param_floats, sizeof *b->velocity);
    b->ce = pt_calloc(n, sizeof *b->ce);
    b->norm_ce = pt_calloc(n, sizeof *b->norm_ce);
    b->norm_ptr = pt_calloc(n, sizeof *b->norm_ptr);
    return b->dlogits && b->g_ptr && b->velocity && b->ce && b->norm_ce && b->norm_ptr
               ? PT_OK
               : pt_fail(PT_ERR_NOMEM, "no memory for the step");
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
    b->task = (pt_pseudo_task){.loss = PT_LOSS_SML1,
                               .target = PT_TARGET_UNIFORM,
                               .per = PT_PER_IMAGE,
                               .seed = b->run->config->seed,
                               .dims = pt_run_rep_size(b->run)};
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
                                      .method = o->kernels.conv,
                                      .seed = b->run->config->seed};
    s = make_buffers(b);
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
    if (s == PT_OK) s = pt_bench_measure_peak(pool, &r.peak);
    if (s == PT_OK) s = measure(o, &b, &r);
    if (s == PT_OK) s = pt_bench_print_alone(o, b.run->graph, &r);
    fini(&b);
    pt_threads_destroy(&pool);
    return s;
}
