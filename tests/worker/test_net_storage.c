/* What a network stores as bfloat16, and the memory that it asks for. Nothing is
 * computed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/status.h"
#include "worker/engine/net/net.h"
#include "worker/engine/net/net_plan.h"

enum { N_SHARDS = 8 };

static const char *const networks[] = {"resnet50", "vgg16", "squeezenet1_1",
                                       "mobilenet_v1"};
enum { N_NETWORKS = sizeof networks / sizeof *networks };

static pt_threads *pool;

static pt_graph *graph_of(const char *network)
{
    pt_graph *g = NULL;

    assert_int_equal(pt_graph_create(network, &(pt_graph_options){.n_classes = 10}, &g),
                     PT_OK);
    return g;
}

static pt_net_options options_of(const pt_graph *g, pt_kernel kernel)
{
    return (pt_net_options){.graph = g,
                            .pool = pool,
                            .max_images = 16,
                            .n_shards = N_SHARDS,
                            .hi = N_SHARDS,
                            .training = true,
                            .kernel = kernel};
}

static void activations_in_bf16_take_at_most_0_6_of_the_memory(void **state)
{
    for (int i = 0; i < N_NETWORKS; i++) {
        pt_graph *g = graph_of(networks[i]);
        pt_net_options fp32 = options_of(g, PT_WINOGRAD);
        pt_net_options bf16 = options_of(g, PT_WINOGRAD_BF16);
        double ratio = (double)pt_net_plan(&bf16).activations /
                       (double)pt_net_plan(&fp32).activations;

        if (ratio > 0.6) fail_msg("%s: %.2f", networks[i], ratio);
        pt_graph_destroy(&g);
    }
}

static void check_floats(const pt_net_plan_result *p, const pt_graph *g, int i)
{
    if (p->nodes[i].y.bf16 || p->nodes[i].dy.bf16)
        fail_msg("%s of %s is not in floats", g->nodes[i].name, g->network);
}

/* The caller's pointers are to floats, and so are those of layers that know no other. */
static void what_others_read_stays_in_floats(void **state)
{
    for (int k = 0; k < N_NETWORKS; k++) {
        pt_graph *g = graph_of(networks[k]);
        pt_net_options o = options_of(g, PT_WINOGRAD_BF16);
        int map = 5, stored = 0;
        pt_net_plan_result p;

        o.maps = &map;
        o.n_maps = 1;
        assert_int_equal(pt_net_plan_create(&o, &p), PT_OK);
        check_floats(&p, g, 0);
        check_floats(&p, g, map);
        check_floats(&p, g, g->rep);
        check_floats(&p, g, g->logits);
        for (int i = 1; i < g->n_nodes; i++) {
            if (g->nodes[i].op == PT_OP_LINEAR) check_floats(&p, g, g->nodes[i].in[0]);
            stored += p.nodes[i].y.bf16;
        }
        assert_true(stored > 0);
        pt_net_plan_fini(&p);
        pt_graph_destroy(&g);
    }
}

static void only_training_in_bf16_stores_so(void **state)
{
    pt_graph *g = graph_of("resnet50");
    pt_net_options training = options_of(g, PT_WINOGRAD);
    pt_net_options test = options_of(g, PT_WINOGRAD_BF16);

    test.training = false;
    for (int i = 0; i < 2; i++) {
        pt_net_plan_result p;

        assert_int_equal(pt_net_plan_create(i ? &test : &training, &p), PT_OK);
        for (int k = 0; k < g->n_nodes; k++) check_floats(&p, g, k);
        pt_net_plan_fini(&p);
    }
    pt_graph_destroy(&g);
}

static int start(void **state)
{
    return pt_threads_create(1, &pool) == PT_OK ? 0 : -1;
}

static int end(void **state)
{
    pt_threads_destroy(&pool);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(activations_in_bf16_take_at_most_0_6_of_the_memory),
        cmocka_unit_test(what_others_read_stays_in_floats),
        cmocka_unit_test(only_training_in_bf16_stores_so),
    };

    return cmocka_run_group_tests(tests, start, end);
}
