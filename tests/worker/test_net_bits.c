/* The rule of bits for whole networks: gradients, statistics and logits of a step do not
 * depend on how many workers and threads computed it. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/run/moments.h"
#include "tests/support/loopback_exchange.h"
#include "tests/support/net_case.h"

enum { N_SHARDS = 8, MAX_IMAGES = 16, STEP = 3 };

/* What a job computes: everything that leaves the workers, finished along the tree. */
typedef struct {
    float *gradient;  /* [n_param_floats] */
    double *moments;  /* of all batch norm nodes, one after another */
    size_t n_moments; /* doubles */
    float logits[MAX_IMAGES * NET_CASE_CLASSES];
} outcome;

typedef struct {
    const net_case *c;
    pt_bn_mode mode;
    const bool *trained; /* NULL: everything */
    int n_workers, n_threads;
    loopback_exchange exchange;
    pt_net *nets[LOOPBACK_MAX_WORKERS];
    pt_threads *pools[LOOPBACK_MAX_WORKERS];
    pt_span spans[LOOPBACK_MAX_WORKERS];
    pt_status status[LOOPBACK_MAX_WORKERS];
    outcome *out;
} job;

typedef struct {
    job *j;
    int worker;
} worker_arg;

static pt_status work(job *j, int w)
{
    const pt_span *span = &j->spans[w];
    const pt_net_hooks hooks = {.context = &j->exchange.ends[w],
                                .exchange_begin = loopback_exchange_begin,
                                .exchange_end = loopback_exchange_end};
    pt_status s = pt_threads_create(j->n_threads, &j->pools[w]);
    const pt_net_options opt = {.graph = j->c->graph,
                                .pool = j->pools[w],
                                .weights = j->c->weights,
                                .max_images = MAX_IMAGES,
                                .n_shards = N_SHARDS,
                                .lo = span->lo,
                                .hi = span->hi,
                                .training = true,
                                .bn_mode = j->mode,
                                .seed = 99};
    float *logits = j->out->logits + pt_span_first(span) * NET_CASE_CLASSES;

    if (s == PT_OK) s = pt_net_create(&opt, &j->nets[w]);
    if (s != PT_OK) return s;
    pt_net_set_hooks(j->nets[w], &hooks);
    if (j->trained) pt_net_set_trained(j->nets[w], j->trained);
    return net_case_step(j->c, j->nets[w], span, STEP, 0.01f, logits);
}

static void *worker_main(void *arg)
{
    worker_arg *a = arg;

    a->j->status[a->worker] = work(a->j, a->worker);
    return NULL;
}

/* ---- finishing the trees, as servers do ------------------------------------------- */

static void add_floats(void *context, void *into, const void *from)
{
    float *a = into;
    const float *b = from;

    for (size_t i = 0; i < *(size_t *)context; i++) a[i] += b[i];
}

static void merge(void *context, void *into, const void *from)
{
    pt_moments_merge(into, from, *(size_t *)context);
}

/* The sub-trees of all workers; values by `get`, NULL where there are no images. */
static const void *finish(job *j, int of, void *(*get)(pt_net *, int of, int t),
                          pt_tree_add add, size_t n)
{
    pt_subtree parts[N_SHARDS * 2], cover[PT_MAX_COVER];
    void *values[N_SHARDS * 2];
    int count = 0;

    for (int w = 0; w < j->n_workers; w++) {
        const pt_span *s = &j->spans[w];
        int n_cover = pt_tree_cover(s->lo, s->hi, N_SHARDS, cover);

        for (int t = 0; t < n_cover; t++) {
            bool there = pt_node_size(s, cover[t].level, cover[t].index) > 0;

            parts[count] = cover[t];
            values[count++] = there ? get(j->nets[w], of, t) : NULL;
        }
    }
    return pt_tree_finish(N_SHARDS, parts, values, count, add, &n);
}

static void *gradient_of(pt_net *net, int tensor, int t)
{
    return pt_net_gradient(net, tensor, t);
}

static void *moments_of(pt_net *net, int node, int t)
{
    return (void *)pt_net_moments(net, node, t);
}

static void collect(job *j)
{
    const pt_graph *g = j->c->graph;
    outcome *o = j->out;

    o->gradient = calloc(g->n_param_floats, sizeof *o->gradient);
    o->moments = calloc(2 * g->n_floats, sizeof *o->moments);
    assert_true(o->gradient && o->moments);
    for (int i = 0; i < g->n_params; i++) {
        const pt_tensor *t = &g->tensors[i];

        if (j->trained && !j->trained[i]) continue;
        memcpy(o->gradient + t->offset, finish(j, i, gradient_of, add_floats, t->count),
               t->count * sizeof(float));
    }
    for (int i = 0; i < g->n_nodes; i++) {
        size_t c = (size_t)g->nodes[i].c;

        const void *total = finish(j, i, moments_of, merge, c);

        if (!total) continue;
        memcpy(o->moments + o->n_moments, total, pt_moments_len(c) * sizeof(double));
        o->n_moments += pt_moments_len(c);
    }
}

static void run(const net_case *c, pt_bn_mode mode, const bool *trained, int n_workers,
                int n_threads, outcome *out)
{
    static job j;
    pthread_t threads[LOOPBACK_MAX_WORKERS];
    worker_arg args[LOOPBACK_MAX_WORKERS];

    memset(&j, 0, sizeof j);
    memset(out, 0, sizeof *out);
    j.c = c;
    j.mode = mode;
    j.trained = trained;
    j.n_workers = n_workers;
    j.n_threads = n_threads;
    j.out = out;
    loopback_exchange_init(&j.exchange, n_workers, N_SHARDS, c->b);
    for (int w = 0; w < n_workers; w++) {
        j.spans[w] = (pt_span){.n_shards = N_SHARDS, .b = c->b};
        pt_worker_shards(w, n_workers, N_SHARDS, &j.spans[w].lo, &j.spans[w].hi);
        args[w] = (worker_arg){&j, w};
        assert_int_equal(pthread_create(&threads[w], NULL, worker_main, &args[w]), 0);
    }
    for (int w = 0; w < n_workers; w++) {
        pthread_join(threads[w], NULL);
        assert_int_equal(j.status[w], PT_OK);
    }
    collect(&j);
    for (int w = 0; w < n_workers; w++) {
        pt_net_destroy(&j.nets[w]);
        pt_threads_destroy(&j.pools[w]);
    }
    loopback_exchange_fini(&j.exchange);
}

static void forget(outcome *o)
{
    free(o->gradient);
    free(o->moments);
}

/* One worker with one thread against everything else. */
static void check_bits(const char *network, int side, int b, pt_bn_mode mode,
                       bool heads_only)
{
    static const int workers[] = {1, 2, 3, 5, 8};
    net_case c;
    static outcome want, got;
    bool trained[512] = {false};
    size_t zeros = 0;

    net_case_init(&c, network, side, 0.5f, b, 9);
    for (int i = 0; i < c.graph->n_params; i++)
        trained[i] = !heads_only || c.graph->tensors[i].head ||
                     strncmp(c.graph->tensors[i].name, "layer3", 6) == 0;
    run(&c, mode, trained, 1, 1, &want);
    for (size_t i = 0; i < c.graph->n_param_floats; i++) zeros += want.gradient[i] == 0;
    assert_in_range(zeros, 0, c.graph->n_param_floats / (heads_only ? 1 : 2));
    assert_int_equal(want.n_moments > 0, mode != PT_BN_FROZEN);
    for (int k = 0; k < 5; k++) {
        for (int n_threads = 1; n_threads <= 3; n_threads++) {
            run(&c, mode, trained, workers[k], n_threads, &got);
            assert_memory_equal(got.logits, want.logits, sizeof got.logits);
            assert_memory_equal(got.gradient, want.gradient,
                                c.graph->n_param_floats * sizeof(float));
            assert_int_equal(got.n_moments, want.n_moments);
            assert_memory_equal(got.moments, want.moments,
                                want.n_moments * sizeof(double));
            forget(&got);
        }
    }
    forget(&want);
    net_case_fini(&c);
}

static void test_bits_of_a_synchronised_step_do_not_depend_on_workers(void **state)
{
    check_bits("resnet_small", 16, 13, PT_BN_SYNC, false);
    check_bits("resnet_small", 16, 5, PT_BN_SYNC, false);
}

static void test_bits_of_a_step_by_shards_do_not_depend_on_workers(void **state)
{
    check_bits("resnet_small", 16, 13, PT_BN_SHARD, false);
    check_bits("resnet_small", 16, 5, PT_BN_SHARD, false);
}

static void test_bits_of_a_frozen_step_do_not_depend_on_workers(void **state)
{
    check_bits("resnet_small", 16, 13, PT_BN_FROZEN, false);
    check_bits("resnet_small", 16, 5, PT_BN_FROZEN, false);
}

static void test_bits_with_a_frozen_trunk_do_not_depend_on_workers(void **state)
{
    check_bits("resnet_small", 16, 13, PT_BN_SYNC, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bits_of_a_synchronised_step_do_not_depend_on_workers),
        cmocka_unit_test(test_bits_of_a_step_by_shards_do_not_depend_on_workers),
        cmocka_unit_test(test_bits_of_a_frozen_step_do_not_depend_on_workers),
        cmocka_unit_test(test_bits_with_a_frozen_trunk_do_not_depend_on_workers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
