#include "launch/bench/workload.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/rng.h"
#include "common/run/synthetic.h"

/* Small enough for random images to stay finite for any number of steps. */
static const float rate = 1e-4f;

static pt_status make_config(const pt_bench_step_options *o, int steps, pt_config **out)
{
    Pt__Config__Config c = PT__CONFIG__CONFIG__INIT;
    Pt__Config__Data data = PT__CONFIG__DATA__INIT;
    Pt__Config__Network network = PT__CONFIG__NETWORK__INIT;
    Pt__Config__PseudoTask task = PT__CONFIG__PSEUDO_TASK__INIT;
    Pt__Config__Optimizer optimizer = PT__CONFIG__OPTIMIZER__INIT;
    Pt__Config__Engine engine = PT__CONFIG__ENGINE__INIT;
    Pt__Config__Server server = PT__CONFIG__SERVER__INIT;
    Pt__Config__Stage stage = PT__CONFIG__STAGE__INIT, *stages[] = {&stage};

    c.has_shards = data.has_batch = task.has_loss = task.has_gate = true;
    optimizer.has_lr = engine.has_threads = engine.has_gemm = engine.has_winograd = true;
    stage.has_steps = server.has_shared_memory = true;
    c.shards = (uint32_t)o->shards;
    data.batch = (uint32_t)o->batch;
    pt_synthetic_configure(&network, o->network);
    task.loss = PT__CONFIG__REG_LOSS__SML1;
    task.gate = PT__CONFIG__GATE_KIND__ALWAYS;
    optimizer.lr = rate;
    engine.threads = (uint32_t)o->threads;
    engine.gemm = o->kernels.blas ? PT__CONFIG__GEMM__BLAS : PT__CONFIG__GEMM__EXACT;
    engine.winograd = pt_kernel_winograd(o->kernels.conv);
    engine.has_precision = true;
    engine.precision = pt_kernel_bf16(o->kernels.conv) ? PT__CONFIG__PRECISION__BF16
                                                       : PT__CONFIG__PRECISION__FP32;
    stage.steps = (uint32_t)steps;
    c.data = &data;
    c.network = &network;
    c.pseudo_task = &task;
    c.optimizer = &optimizer;
    server.shared_memory = !o->copies;
    c.engine = &engine;
    c.server = &server;
    c.n_stages = 1;
    c.stages = stages;
    return pt_config_copy(&c, out);
}

pt_status pt_bench_run_create(const pt_bench_step_options *o, int n_workers, int steps,
                              pt_run **out)
{
    pt_config *c = NULL;
    pt_status s = make_config(o, steps, &c);

    *out = NULL;
    if (s == PT_OK) s = pt_run_create_synthetic(c, 1, n_workers, out);
    if (s == PT_OK)
        pt_graph_init((*out)->graph, c->seed, c->network->head_std, false, (*out)->flat);
    return s;
}

/* ---- images ----------------------------------------------------------------------- */

pt_status pt_bench_images_init(const pt_run *r, int worker, pt_bench_images *out)
{
    pt_span span = pt_run_span(r, worker, 0);
    const pt_node *in = &r->graph->nodes[0];
    size_t n = (size_t)pt_span_images(&span);
    size_t size = (size_t)in->h * (size_t)in->w * (size_t)in->c;

    out->pixels = pt_calloc(pt_mul(n, size), sizeof *out->pixels);
    out->labels = pt_calloc(n, sizeof *out->labels);
    if (!out->pixels || !out->labels)
        return pt_fail(PT_ERR_NOMEM, "no memory for %zu images", n);
    for (size_t i = 0; i < n; i++) {
        uint64_t at = (uint64_t)pt_span_first(&span) + i;
        pt_rng pixels = pt_rng_stream(r->config->seed, PT_RNG_BENCH, at, 0);
        pt_rng label = pt_rng_stream(r->config->seed, PT_RNG_BENCH, at, 1);

        pt_rng_fill_normal(&pixels, out->pixels + i * size, size);
        out->labels[i] = (int32_t)pt_rng_below(&label, 0, (uint64_t)r->graph->n_classes);
    }
    return PT_OK;
}

void pt_bench_images_fini(pt_bench_images *i)
{
    free(i->pixels);
    free(i->labels);
    *i = (pt_bench_images){0};
}

static pt_status batch(void *context, uint64_t step, const pt_span *span,
                       const float **pixels, const int32_t **labels)
{
    pt_bench_images *i = context;

    *pixels = i->pixels;
    *labels = i->labels;
    return PT_OK;
}

static pt_status block(void *context, const uint32_t *images, size_t n,
                       const uint32_t *next, size_t n_next, const float **pixels)
{
    return pt_fail(PT_ERR_BUG, "a benchmark has no images to test on");
}

static void release(void *context)
{
}

pt_source pt_bench_source(pt_bench_images *images)
{
    return (pt_source){images, batch, block, release};
}
