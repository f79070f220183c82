/* Networks against other programs: names, order and shapes of their state_dicts, maps of
 * odd sides. The lists in tests/data/graph are made by tests/oracle/torchvision_names.py
 * and graph_sides.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/graph/builder.h"

static const pt_node *node_named(const pt_graph *g, const char *name)
{
    for (int i = 0; i < g->n_nodes; i++)
        if (strcmp(g->nodes[i].name, name) == 0) return &g->nodes[i];
    fail_msg("%s has no node %s", g->network, name);
    return NULL;
}

/* The next line of a state_dict list that is (or is not) a running statistic. */
static bool next_tensor(FILE *f, bool running, char line[256])
{
    while (fgets(line, 256, f)) {
        line[strcspn(line, "\n")] = '\0';
        if ((strstr(line, ".running_") != NULL) == running) return true;
    }
    return false;
}

static void describe(const pt_tensor *t, char *text, size_t size)
{
    int at = snprintf(text, size, "%s", t->name);

    for (int i = 0; i < t->n_dims; i++)
        at += snprintf(text + at, size - (size_t)at, " %d", t->dims[i]);
}

/* Every tensor of the list is the graph's, in this order; a new head may follow. */
static void compare_with_list(const pt_graph *g)
{
    char path[512], line[256], ours[256];
    int i = 0;

    snprintf(path, sizeof path, "%s/graph/%s.txt", PT_TEST_DATA, g->network);
    for (int running = 0; running <= 1; running++) {
        FILE *f = fopen(path, "r");

        assert_non_null(f);
        while (next_tensor(f, running, line)) {
            assert_true(i < g->n_tensors);
            assert_int_equal(g->tensors[i].running, running);
            describe(&g->tensors[i++], ours, sizeof ours);
            assert_string_equal(ours, line);
        }
        fclose(f);
        while (i < g->n_params && strncmp(g->tensors[i].name, "head.", 5) == 0) i++;
        if (!running) assert_int_equal(i, g->n_params);
    }
    assert_int_equal(i, g->n_tensors);
}

static void test_names_order_and_shapes_are_those_of_the_state_dicts(void **state)
{
    for (const char *const *name = pt_graph_names(); *name; name++) {
        pt_graph_options opt = {.original_head = true};
        pt_graph *g = NULL;

        assert_int_equal(pt_graph_defaults(*name, &opt.side, &opt.n_classes), PT_OK);
        assert_int_equal(pt_graph_create(*name, &opt, &g), PT_OK);
        assert_string_equal(g->network, *name);
        compare_with_list(g);
        pt_graph_destroy(&g);
    }
}

static void test_odd_sides_give_pytorchs_maps_or_are_refused(void **state)
{
    static const char *const nodes[3][3] = {
        {"features.2", "features.5", "features.8"},
        {"maxpool", "layer2.0.conv2", "layer4.2.conv3"},
        {"maxpool", "layer2.0.conv1", "layer4.1.conv2"}};
    FILE *f = fopen(PT_TEST_DATA "/graph/sides.txt", "r");
    char network[64];
    int side, h[3], n = 0;

    assert_non_null(f);
    while (fscanf(f, "%63s %d %d %d %d", network, &side, &h[0], &h[1], &h[2]) == 5) {
        const pt_graph_options opt = {
            .side = side, .n_classes = 2, .original_head = true};
        int of = network[0] != 'r' ? 0 : strcmp(network, "resnet18") == 0 ? 2 : 1;
        pt_graph *g = NULL;

        if (h[0] == 0) {
            assert_int_equal(pt_graph_create(network, &opt, &g), PT_ERR_CONFIG);
            assert_null(g);
            assert_non_null(strstr(pt_fail_text(), "too small"));
        } else {
            assert_int_equal(pt_graph_create(network, &opt, &g), PT_OK);
            for (int i = 0; i < 3; i++)
                assert_int_equal(node_named(g, nodes[of][i])->h, h[i]);
        }
        pt_graph_destroy(&g);
        n++;
    }
    fclose(f);
    assert_true(n > 100);
}

/* Sizes from torch.nn.functional.max_pool2d, 1.13. */
static void test_a_rounded_up_window_never_starts_behind_the_input(void **state)
{
    static const struct {
        int side, k, stride, pad, want;
    } cases[] = {{3, 2, 2, 1, 2}, {4, 2, 2, 1, 3}, {5, 2, 3, 0, 2}, {4, 2, 3, 0, 2},
                 {3, 2, 3, 0, 1}, {6, 3, 2, 1, 4}, {2, 3, 2, 0, 1}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const pt_graph_options opt = {.side = cases[i].side, .n_classes = 1};
        pt_window w = pt_window_square(cases[i].k, cases[i].stride, cases[i].pad);
        pt_builder b;
        int x;

        w.ceil = true;
        pt_builder_init(&b, "pool", &opt);
        x = pt_build_max_pool(&b, 0, pt_named("pool"), w);
        assert_int_equal(b.status, PT_OK);
        assert_int_equal(pt_build_node(&b, x)->h, cases[i].want);
        assert_int_equal(pt_build_node(&b, x)->w, cases[i].want);
        pt_graph_destroy(&b.g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_order_and_shapes_are_those_of_the_state_dicts),
        cmocka_unit_test(test_odd_sides_give_pytorchs_maps_or_are_refused),
        cmocka_unit_test(test_a_rounded_up_window_never_starts_behind_the_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
