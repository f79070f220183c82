#include "worker/step.h"

#include <stdlib.h>
#include <string.h>

#include "common/comm/segments.h"
#include "common/comm/stop.h"
#include "common/run/coupling.h"
#include "common/run/trace.h"
#include "common/run/wire.h"
#include "worker/client.h"
#include "worker/engine/net/net.h"
#include "worker/exchange.h"
#include "worker/factor_pushes.h"
#include "worker/home.h"
#include "worker/objective/objective.h"

struct pt_worker {
    pt_run *run;
    pt_comm *comm;
    int worker;
    pt_threads *pool;
    const pt_source *source;
    pt_test_sets tests;
    pt_net *net, *tester; /* tester: forward only, blocks of PT_EVAL_BLOCK */
    pt_client *client;
    pt_objective *objective;
    int dims;

    /* of the step under way */
    uint64_t step;
    pt_span span;
    const float *dlogits, *drep; /* of the cross-entropy */
    const float *dsource;        /* at the source head; NULL: there is none */
    double *terms;               /* of coupled images; NULL: none are */
    double *payload;
    size_t max_payload;
    double input_s;
    double times[PT_PAYLOAD_TIMES]; /* of the step before */
};

pt_kernels pt_worker_kernels(const pt_config *c)
{
    bool winograd = c->engine->winograd;
    pt_kernel fp32 = winograd ? PT_WINOGRAD : PT_DIRECT;
    pt_kernel bf16 = winograd ? PT_WINOGRAD_BF16 : PT_DIRECT_BF16;

    return (pt_kernels){
        .conv = c->engine->precision == PT__CONFIG__PRECISION__BF16 ? bf16 : fp32,
        .blas = c->engine->gemm == PT__CONFIG__GEMM__BLAS};
}

static pt_net_options net_options(const pt_run *run, int worker, pt_threads *pool)
{
    const pt_config *c = run->config;
    int lo, hi, b = run->plan->batch, v = (int)c->shards;
    pt_net_options o;
    pt_span span;

    pt_worker_shards(worker, run->n_workers, v, &lo, &hi);
    span = (pt_span){.n_shards = v, .lo = lo, .hi = hi, .b = b};
    /* A shorter batch may give this span one image more than its share of a full one. */
    o = (pt_net_options){.graph = run->graph,
                         .pool = pool,
                         .weights = run->flat,
                         .max_images = pt_span_images(&span) + 1,
                         .n_shards = v,
                         .lo = lo,
                         .hi = hi,
                         .training = true,
                         .bn_mode = (pt_bn_mode)c->network->batch_norm,
                         .kernel = pt_worker_kernels(c).conv,
                         .seed = c->seed};
    pt_objective_net_options(run, &o);
    return o;
}

/* Tests are in fp32, as every other command computes with a model. */
static pt_net_options tester_options(const pt_run *run, pt_threads *pool)
{
    return (pt_net_options){.graph = run->graph,
                            .pool = pool,
                            .weights = run->flat,
                            .max_images = PT_EVAL_BLOCK,
                            .n_shards = 1,
                            .hi = 1,
                            .kernel =
                                run->config->engine->winograd ? PT_WINOGRAD : PT_DIRECT};
}

size_t pt_worker_lent_bytes(const pt_run *run, int worker)
{
    pt_span span = pt_run_span(run, worker, 0);

    return pt_net_gradient_bytes(run->graph, &span);
}

void pt_worker_destroy(pt_worker **w)
{
    pt_worker *p = w ? *w : NULL;

    if (!p) return;
    pt_client_destroy(&p->client);
    pt_net_destroy(&p->net);
    pt_net_destroy(&p->tester);
    pt_objective_destroy(&p->objective);
    free(p->terms);
    free(p->payload);
    free(p);
    *w = NULL;
}

static pt_status make_buffers(pt_worker *w, const pt_net_options *net)
{
    size_t terms = pt_terms_doubles(w->run, net->max_images);

    w->max_payload = pt_payload_bound(w->run);
    w->payload = pt_calloc(w->max_payload, sizeof *w->payload);
    if (terms > 0) w->terms = pt_calloc(terms, sizeof *w->terms);
    if (!w->payload || (terms > 0 && !w->terms))
        return pt_fail(PT_ERR_NOMEM, "no memory for the step of %d images",
                       net->max_images);
    return pt_objective_create(w->run, net, &w->objective);
}

static void poll_in(void *client, pt_net *net)
{
    pt_client_poll_in(client, net);
}

pt_status pt_worker_create(pt_run *run, pt_comm *comm, int worker, pt_threads *pool,
                           const pt_source *source, const pt_test_sets *tests,
                           pt_worker **out)
{
    pt_net_options train = net_options(run, worker, pool),
                   test = tester_options(run, pool);
    pt_worker *w = pt_calloc(1, sizeof *w);
    pt_status s;

    *out = NULL;
    if (!w) return pt_fail(PT_ERR_NOMEM, "no memory for a worker");
    pt_kernels_use(pt_worker_kernels(run->config));
    w->run = run;
    w->comm = comm;
    w->worker = worker;
    w->pool = pool;
    w->source = source;
    w->tests = *tests;
    w->dims = pt_run_rep_size(run);
    if (run->lends)
        train.gradients =
            pt_segments_take(comm->segments, pt_worker_lent_bytes(run, worker));
    s = make_buffers(w, &train);
    if (s == PT_OK) s = pt_net_create(&train, &w->net);
    if (s == PT_OK) s = pt_net_create(&test, &w->tester);
    if (s == PT_OK) s = pt_client_create(run, comm, w->net, worker, &w->client);
    if (s == PT_OK) {
        pt_client_poll_in(w->client, w->tester);
        pt_objective_each_net(w->objective, poll_in, w->client);
        *out = w;
        w = NULL;
    }
    pt_worker_destroy(&w);
    return s;
}

const double *pt_worker_tensor_waits(const pt_worker *w)
{
    return pt_client_tensor_waits(w->client);
}

const double *pt_worker_server_waits(const pt_worker *w)
{
    return pt_client_server_waits(w->client);
}

static size_t net_bytes(const pt_net_options *o)
{
    pt_net_memory m = pt_net_plan(o);

    return m.activations + m.gradients + m.scratch;
}

size_t pt_worker_bytes(const pt_run *run, int worker, int threads)
{
    pt_threads *pool = NULL;
    pt_net_options train, test;
    size_t doubles, n;

    if (pt_threads_create(threads, &pool) != PT_OK) return 0;
    train = net_options(run, worker, pool);
    test = tester_options(run, pool);
    doubles = pt_terms_doubles(run, train.max_images) + pt_payload_bound(run);
    n = net_bytes(&train) + net_bytes(&test) + pt_objective_bytes(run, &train) +
        pt_exchange_bytes(run) + pt_home_bytes(run, worker) +
        pt_factor_pushes_bytes(run, worker) + doubles * sizeof(double);
    pt_threads_destroy(&pool);
    return n;
}

/* ---- one step --------------------------------------------------------------------- */

static size_t fill_moments(pt_worker *w, size_t at)
{
    pt_subtree cover[PT_MAX_COVER];
    int full, n = pt_span_cover(&w->span, cover, &full);

    for (int d = 0; d < w->run->graph->n_nodes; d++) {
        size_t len = 1 + 2 * (size_t)w->run->graph->nodes[d].c;

        if (!pt_run_has_moments(w->run, d)) continue;
        for (int t = 0; t < n; t++) {
            if (pt_node_size(&w->span, cover[t].level, cover[t].index) == 0) continue;
            memcpy(w->payload + at, pt_net_moments(w->net, d, t),
                   len * sizeof *w->payload);
            at += len;
        }
    }
    return at;
}

/* The payload of this step, in the order that wire.h gives. */
static size_t fill_payload(pt_worker *w)
{
    pt_payload p = pt_payload_layout(w->run, w->worker, w->step);

    memcpy(w->payload, w->times, sizeof w->times);
    w->payload[PT_PAYLOAD_STOP] = pt_stop_asked();
    pt_objective_fill(w->objective, &p, w->payload);
    PT_CHECK(p.total <= w->max_payload, "payload of %zu doubles", p.total);
    PT_CHECK(fill_moments(w, p.moments) == p.total, "payload is not %zu doubles",
             p.total);
    return p.total;
}

static pt_status forward(pt_worker *w)
{
    const pt_graph *g = w->run->graph;
    const int32_t *labels;
    const float *pixels;
    double start = pt_clock();
    pt_status s =
        w->source->batch(w->source->context, w->step, &w->span, &pixels, &labels);

    w->input_s = pt_clock() - start;
    if (s != PT_OK) return s;
    pt_trace_add(w->run->trace, PT_TRACE_INPUT, -1, start, start + w->input_s);
    pt_client_mark(w->client);
    pixels = pt_objective_begin(w->objective, w->step, &w->span, pixels, labels);
    s = pt_net_forward(w->net, &w->span, pixels, w->step);
    if (s != PT_OK) return s;
    w->dlogits = pt_objective_classify(w->objective, pt_net_output(w->net, g->logits));
    if (g->source_logits >= 0)
        w->dsource =
            pt_objective_at_source(w->objective, pt_net_output(w->net, g->source_logits));
    s = pt_objective_at_maps(w->objective, w->net, pixels);
    if (s == PT_OK) s = pt_net_backward_head(w->net, w->dlogits, &w->drep);
    if (s == PT_OK)
        pt_objective_regress(w->objective, pt_net_output(w->net, g->rep), w->drep);
    return s;
}

/* Diagnostic only: gradients of CE alone and of w * L_ptr alone at the last trunk
 * parameter. */
static pt_status probe(pt_worker *w, double weight)
{
    int tensor = pt_run_last_trunk_tensor(w->run);
    size_t n = (size_t)pt_span_images(&w->span) * (size_t)w->dims;
    const float *g_ptr = pt_objective_weighted_gradient(w->objective);
    float *g[2] = {pt_calloc(n, sizeof **g), pt_calloc(n, sizeof **g)}; /* now and then */
    pt_status s = PT_OK;

    if (!g[0] || !g[1]) s = pt_fail(PT_ERR_NOMEM, "no memory for the diagnostic pass");
    for (size_t i = 0; i < n && s == PT_OK; i++) {
        g[0][i] = w->drep[i];
        g[1][i] = (float)weight * g_ptr[i];
    }
    for (int which = 0; which < 2 && s == PT_OK; which++) {
        s = pt_net_backward_probe(w->net, g[which], tensor);
        if (s == PT_OK) s = pt_client_send_probe(w->client, tensor, which);
    }
    free(g[0]);
    free(g[1]);
    return s == PT_OK ? pt_net_backward_head(w->net, w->dlogits, &w->drep) : s;
}

static pt_status backward(pt_worker *w, const Pt__Record__StepRecord *record)
{
    const float *dlogits, *g;
    pt_status s = PT_OK;

    if (record->probe) s = probe(w, record->w);
    if (s == PT_OK && w->terms)
        s = pt_client_take_terms(w->client, w->terms,
                                 pt_terms_doubles(w->run, pt_span_images(&w->span)));
    if (s != PT_OK) return s;
    g = w->drep;
    dlogits = pt_objective_at_logits(w->objective, w->terms);
    if (dlogits) s = pt_net_backward_head(w->net, dlogits, &g);
    if (s == PT_OK && w->dsource) s = pt_net_set_source_gradient(w->net, w->dsource);
    if (s != PT_OK) return s;
    return pt_net_backward(w->net,
                           pt_objective_at_rep(w->objective, g, record->w, w->terms));
}

/* The split of a step of `seconds`, for the payload of the next. */
static void take_times(pt_worker *w, double input, double seconds)
{
    w->times[PT_TIME_INPUT] = input;
    pt_client_times(w->client, w->times);
    w->times[PT_TIME_COMPUTE] = seconds - input - pt_times_waited(w->times);
}

static pt_status one_step(pt_worker *w, Pt__Record__StepRecord *record)
{
    bool any, enters = pt_run_enter_step(w->run, w->step);
    double start = pt_clock();
    size_t n;
    pt_status s;

    if (enters) pt_net_set_trained(w->net, w->run->trained);
    s = pt_client_begin_step(w->client, w->step);
    if (s == PT_OK && pt_run_sends_running(w->run, w->step))
        s = pt_client_take_running(w->client);
    w->span = pt_run_span(w->run, w->worker, w->step);
    any = pt_span_images(&w->span) > 0;
    if (s == PT_OK && any) s = forward(w);
    if (s != PT_OK) return s;
    n = fill_payload(w);
    s = pt_client_trade(w->client, w->payload, n, record);
    if (s == PT_OK && record->verdict == PT__RECORD__VERDICT__APPLY) {
        s = pt_client_begin_backward(w->client);
        if (s == PT_OK && any) s = backward(w, record);
        if (s == PT_OK) s = pt_client_end_step(w->client);
    }
    if (any) w->source->release(w->source->context);
    take_times(w, any ? w->input_s : 0, pt_clock() - start);
    return s;
}

/* ---- testing ---------------------------------------------------------------------- */

/* Outputs of `node` for images [n], block by block, to rank 0. */
static pt_status send_rows(pt_worker *w, const uint32_t *images, size_t n, int node)
{
    size_t stride = (size_t)w->run->n_workers * PT_EVAL_BLOCK;
    const pt_node *d = &w->run->graph->nodes[node];
    size_t dims = pt_node_floats(d);

    for (size_t at = (size_t)w->worker * PT_EVAL_BLOCK; at < n; at += stride) {
        size_t rows = n - at < PT_EVAL_BLOCK ? n - at : PT_EVAL_BLOCK, next = at + stride;
        size_t n_next = next >= n                  ? 0
                        : n - next < PT_EVAL_BLOCK ? n - next
                                                   : PT_EVAL_BLOCK;
        const float *pixels;
        pt_status s = w->source->block(w->source->context, images + at, rows,
                                       n_next ? images + next : NULL, n_next, &pixels);

        if (s == PT_OK) s = pt_net_evaluate(w->tester, (int)rows, pixels);
        if (s == PT_OK)
            s = pt_client_send_rows(w->client, (int)(at / PT_EVAL_BLOCK),
                                    pt_net_output(w->tester, node), rows * dims);
        w->source->release(w->source->context);
        if (s != PT_OK) return s;
    }
    return PT_OK;
}

/* Outputs for the sets that every test has. */
static pt_status send_tests(pt_worker *w)
{
    const pt_test_sets *t = &w->tests;
    int logits = w->run->graph->logits;
    pt_status s = send_rows(w, t->validation, t->n_validation, logits);

    return s == PT_OK ? send_rows(w, t->test, t->n_test, logits) : s;
}

/* The same with a method's second set of weights, which comes and goes. */
static pt_status evaluate_second(pt_worker *w)
{
    pt_status s = pt_client_take_weights(w->client);

    if (s == PT_OK) s = send_tests(w);
    return s == PT_OK ? pt_client_take_weights(w->client) : s;
}

static pt_status test(pt_worker *w, bool last)
{
    const pt_test_sets *t = &w->tests;
    pt_status s = pt_client_settle(w->client);

    if (s == PT_OK) s = pt_client_take_running(w->client);
    if (s == PT_OK) s = send_tests(w);
    if (s == PT_OK && last) s = send_rows(w, t->train, t->n_train, w->run->graph->logits);
    return s == PT_OK && w->run->asks & PT_ASKS_SECOND ? evaluate_second(w) : s;
}

/* *last: in, this was the last step; out, the run ends here. One that may end early tests
 * the weights that it hands on once more, as the last test. */
static pt_status evaluate(pt_worker *w, bool *last)
{
    pt_status s;

    if (!pt_run_may_end_early(w->run)) return test(w, *last);
    s = test(w, false);
    if (s == PT_OK) s = pt_client_take_verdict(w->client, last);
    if (s != PT_OK || !*last) return s;
    s = pt_client_take_weights(w->client);
    return s == PT_OK ? test(w, true) : s;
}

/* What the start weights answer, from all workers and then to all. */
static pt_status share_responses(pt_worker *w, bool fresh)
{
    const pt_plan *plan = w->run->plan;
    pt_status s = PT_OK;

    if (!w->run->given.responses) return PT_OK;
    pt_net_evaluate_side(w->tester, true);
    if (fresh)
        s = send_rows(w, plan->images, plan->n_images, w->run->graph->source_logits);
    pt_net_evaluate_side(w->tester, false);
    return s == PT_OK ? pt_client_take_responses(w->client) : s;
}

/* Before the first step: what a fresh run measures, what a resumed one still owes. *ends:
 * the test that it owed was the last. */
static pt_status before_steps(pt_worker *w, bool *ends)
{
    const pt_plan *plan = w->run->plan;
    bool fresh = w->run->first_step == 0;
    pt_status s = PT_OK;

    if (fresh && w->run->asks & (PT_ASKS_FEATURES | PT_ASKS_MOMENTS))
        s = send_rows(w, plan->images, plan->n_images, w->run->graph->rep);
    if (s == PT_OK && fresh && w->run->given.feature_mean)
        s = pt_client_take_features(w->client);
    if (s == PT_OK) s = share_responses(w, fresh);
    if (s != PT_OK || fresh || !w->run->test_owed) return s;
    w->step = w->run->first_step - 1;
    *ends = w->run->first_step == plan->total_steps;
    return evaluate(w, ends);
}

pt_status pt_worker_run(pt_worker *w, bool *agreed)
{
    bool ends = false;
    pt_status s = before_steps(w, &ends);

    *agreed = false;
    for (w->step = w->run->first_step;
         s == PT_OK && !ends && w->step < w->run->plan->total_steps; w->step++) {
        Pt__Record__StepRecord record = PT__RECORD__STEP_RECORD__INIT;

        s = one_step(w, &record);
        if (s == PT_OK && record.verdict == PT__RECORD__VERDICT__STOP) {
            *agreed = true;
            return PT_ERR_NUMERIC; /* rank 0 reports why */
        }
        if (s == PT_OK && record.stop) {
            s = pt_client_settle(w->client);
            *agreed = s == PT_OK;
            return s == PT_OK ? PT_STOPPED : s;
        }
        ends = record.last;
        if (s == PT_OK && record.evaluate) {
            double start = pt_trace_clock(w->run->trace);

            s = evaluate(w, &ends);
            pt_trace_until_now(w->run->trace, PT_TRACE_TEST, -1, start);
        }
    }
    return s;
}
