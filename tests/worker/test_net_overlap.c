/* Weight gradients are computed while batch norm's sums are under way: their order, and
 * the buffers that must live until then. That no bit changes is for test_net_bits.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/support/net_case.h"
#include "worker/engine/net/net_plan.h"

enum { N_SHARDS = 8, MAX_LEN = 1 + 2 * 2048 };

static const char *const networks[] = {"resnet50", "mobilenet_v1", "cifar_resnet20",
                                       "resnet_small"};
enum { N_NETWORKS = sizeof networks / sizeof *networks };

/* ---- the order --------------------------------------------------------------------- */

typedef struct {
    const pt_graph *graph;
    int under_way;        /* node whose sums are; -1: none are */
    int exchanges, ready; /* in the backward pass; tensors that became ready meanwhile */
    double value[MAX_LEN];
} record;

static pt_status begin(void *context, int node, bool backward, const double *parts,
                       size_t len, pt_tree_add add)
{
    record *r = context;

    memcpy(r->value, parts, len * sizeof *parts);
    assert_int_equal(r->under_way, -1);
    r->under_way = backward ? node : 0;
    r->exchanges += backward;
    return PT_OK;
}

static pt_status end(void *context, const double **total)
{
    record *r = context;

    *total = r->value;
    r->under_way = -1;
    return PT_OK;
}

/* Convolutions of resnet_small have no bias: one tensor a layer, but the head has two. */
static pt_status ready(void *context, int tensor)
{
    record *r = context;
    const pt_tensor *t = &r->graph->tensors[tensor];

    if (r->under_way < 0) return PT_OK;
    assert_true(t->node > r->under_way);
    r->ready += r->graph->nodes[t->node].weight == tensor;
    return PT_OK;
}

static void test_weight_gradients_are_computed_while_sums_are_under_way(void **state)
{
    static record r;
    pt_threads *pool = NULL;
    pt_net *net = NULL;
    net_case c;
    pt_span span = {.n_shards = N_SHARDS, .hi = N_SHARDS};
    int norms = 0;

    net_case_init(&c, "resnet_small", 16, 0, 9, 9);
    span.b = c.b;
    assert_int_equal(pt_threads_create(1, &pool), PT_OK);

    pt_net_options o = {.graph = c.graph,
                        .pool = pool,
                        .weights = c.weights,
                        .max_images = c.b,
                        .n_shards = N_SHARDS,
                        .hi = N_SHARDS,
                        .training = true};

    assert_int_equal(pt_net_create(&o, &net), PT_OK);
    r = (record){.graph = c.graph, .under_way = -1};
    pt_net_set_hooks(net, &(pt_net_hooks){.context = &r,
                                          .exchange_begin = begin,
                                          .exchange_end = end,
                                          .gradient_ready = ready});
    assert_int_equal(net_case_step(&c, net, &span, 0, 0, NULL), PT_OK);
    for (int i = 0; i < c.graph->n_nodes; i++)
        norms += c.graph->nodes[i].op == PT_OP_BATCH_NORM;
    assert_int_equal(r.exchanges, norms);
    assert_int_equal(r.ready, norms); /* each covers the layer above it */
    pt_net_destroy(&net);
    pt_threads_destroy(&pool);
    net_case_fini(&c);
}

/* ---- buffers ----------------------------------------------------------------------- */

static void plan(const char *network, pt_bn_mode mode, pt_graph **graph,
                 pt_net_plan_result *out)
{
    const pt_graph_options g = {.side = 64, .n_classes = NET_CASE_CLASSES};
    pt_threads *pool = NULL;

    assert_int_equal(pt_threads_create(1, &pool), PT_OK);
    assert_int_equal(pt_graph_create(network, &g, graph), PT_OK);

    pt_net_options o = {.graph = *graph,
                        .pool = pool,
                        .max_images = 4,
                        .n_shards = N_SHARDS,
                        .hi = N_SHARDS,
                        .training = true,
                        .bn_mode = mode};

    assert_int_equal(pt_net_plan_create(&o, out), PT_OK);
    pt_threads_destroy(&pool);
}

static void test_a_gradient_stays_until_its_weights_are_computed(void **state)
{
    for (int w = 0; w < N_NETWORKS; w++) {
        pt_net_plan_result p;
        pt_graph *g;
        int deferred = 0;

        plan(networks[w], PT_BN_SYNC, &g, &p);
        for (int i = 1; i < g->n_nodes; i++) {
            const pt_net_node *o = &p.nodes[i];

            deferred += o->weights_at != i;
            for (int k = 1; k < g->n_nodes && o->weights_at != i; k++) {
                const pt_net_node *n = &p.nodes[k]; /* written until then? */

                if (n->dy_root < 0 || n->first_writer > i ||
                    n->first_writer <= o->weights_at)
                    continue;
                assert_true(n->dy_at >= o->dy_at + 4 * o->size ||
                            o->dy_at >= n->dy_at + 4 * n->size);
            }
        }
        assert_true(deferred > 5);
        pt_net_plan_fini(&p);
        pt_graph_destroy(&g);
    }
}

static void test_networks_need_no_more_memory_for_it(void **state)
{
    for (int w = 0; w < N_NETWORKS; w++) {
        pt_net_plan_result with, without;
        pt_graph *g;

        plan(networks[w], PT_BN_FROZEN, &g, &without);
        pt_graph_destroy(&g);
        plan(networks[w], PT_BN_SYNC, &g, &with);
        assert_true(with.bytes.activations <= without.bytes.activations);
        pt_graph_destroy(&g);
        pt_net_plan_fini(&with);
        pt_net_plan_fini(&without);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_weight_gradients_are_computed_while_sums_are_under_way),
        cmocka_unit_test(test_a_gradient_stays_until_its_weights_are_computed),
        cmocka_unit_test(test_networks_need_no_more_memory_for_it),
    };

    return cmocka_run_group_tests_name("worker.net_overlap", tests, NULL, NULL);
}
