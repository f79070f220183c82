/* The layers that DELTA compares where none are named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "common/run/delta.h"

/* The last convolution of stage `stage` beside the shortcut; -1: there is none. */
static int last_conv(const pt_graph *g, int stage)
{
    char prefix[16];
    int last = -1;

    snprintf(prefix, sizeof prefix, "layer%d.", stage);
    for (int i = 0; i < g->n_nodes; i++)
        if (g->nodes[i].op == PT_OP_CONV && !strstr(g->nodes[i].name, "downsample") &&
            strncmp(g->nodes[i].name, prefix, strlen(prefix)) == 0)
            last = i;
    return last;
}

static void test_the_layers_are_the_last_convolution_of_each_stage(void **state)
{
    static const char *const networks[] = {"resnet18", "resnet34", "resnet50",
                                           "resnet101", "resnet152"};

    for (size_t i = 0; i < sizeof networks / sizeof *networks; i++) {
        const pt_graph_options opt = {.n_classes = 2};
        pt_graph *g = NULL;
        int *nodes = NULL, n = 0;

        assert_int_equal(pt_graph_create(networks[i], &opt, &g), PT_OK);
        assert_int_equal(pt_delta_find(g, "nodes", NULL, 0, &nodes, &n), PT_OK);
        assert_int_equal(n, 4);
        for (int k = 0; k < 4; k++) assert_int_equal(nodes[k], last_conv(g, k + 1));
        free(nodes);
        pt_graph_destroy(&g);
    }
}

static void test_other_networks_have_to_name_them(void **state)
{
    const pt_graph_options opt = {.n_classes = 2};
    pt_graph *g = NULL;
    int *nodes = NULL, n = 0;

    assert_int_equal(pt_graph_create("vgg16", &opt, &g), PT_OK);
    assert_int_equal(pt_delta_find(g, "regularizers.delta.nodes", NULL, 0, &nodes, &n),
                     PT_ERR_CONFIG);
    assert_string_equal(pt_fail_text(), "regularizers.delta.nodes is not given: name the "
                                        "layers of vgg16 to compare");
    assert_null(nodes);
    pt_graph_destroy(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_layers_are_the_last_convolution_of_each_stage),
        cmocka_unit_test(test_other_networks_have_to_name_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
