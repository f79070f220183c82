/* Networks against the published counts and shapes (method.md section 4). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/graph/graph.h"

static pt_graph *make(const char *network, int n_classes)
{
    const pt_graph_options opt = {.n_classes = n_classes, .dropout = 0.5f};
    pt_graph *g = NULL;

    assert_int_equal(pt_graph_create(network, &opt, &g), PT_OK);
    assert_non_null(g);
    return g;
}

static const pt_node *node_named(const pt_graph *g, const char *name)
{
    for (int i = 0; i < g->n_nodes; i++)
        if (strcmp(g->nodes[i].name, name) == 0) return &g->nodes[i];
    fail_msg("%s has no node %s", g->network, name);
    return NULL;
}

static void assert_shape(const pt_graph *g, const char *node, int side, int c)
{
    const pt_node *n = node_named(g, node);

    if (n->h != side || n->w != side || n->c != c)
        fail_msg("%s %s: %dx%dx%d, expected %dx%dx%d", g->network, node, n->h, n->w, n->c,
                 side, side, c);
}

static size_t params_with_prefix(const pt_graph *g, const char *prefix)
{
    size_t sum = 0;

    for (int i = 0; i < g->n_params; i++)
        if (strncmp(g->tensors[i].name, prefix, strlen(prefix)) == 0)
            sum += g->tensors[i].count;
    return sum;
}

static void test_parameter_counts_are_the_published_ones(void **state)
{
    static const struct {
        const char *network;
        int n_classes;
        bool original_head;
        size_t params;
    } want[] = {
        {"vgg16", 1000, false, 138357544},
        {"vgg16", 102, false, 134678438},
        {"vgg16", 200, false, 135079944},
        {"vgg16", 67, false, 134535043},
        {"vgg16", 40, false, 134424424},
        {"vgg16", 256, false, 135309376},
        {"vgg16", 257, false, 135313473},
        {"vgg16", 500, false, 136309044},
        {"resnet18", 1000, false, 11689512},
        {"resnet34", 1000, false, 21797672},
        {"resnet50", 1000, false, 25557032},
        {"resnet50", 200, false, 23917832},
        {"resnet101", 1000, false, 44549160},
        {"resnet152", 1000, false, 60192808},
        {"resnet101", 67, false, 44549160 - 2049000 + 2049 * 67},
        {"squeezenet1_1", 1000, true, 1235496},
        {"squeezenet1_1", 17, false, 722496 + 513 * 17},
        {"mobilenet_v1", 17, false, 2156352 + 1025 * 17},
        {"cifar_resnet20", 10, false, 269722},
        {"cifar_resnet56", 10, false, 853018},
    };

    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        const pt_graph_options opt = {.n_classes = want[i].n_classes,
                                      .original_head = want[i].original_head};
        pt_graph *g = NULL;

        assert_int_equal(pt_graph_create(want[i].network, &opt, &g), PT_OK);
        if (g->n_param_floats != want[i].params)
            fail_msg("%s with %d classes: %zu parameters, expected %zu", want[i].network,
                     want[i].n_classes, g->n_param_floats, want[i].params);
        assert_int_equal(g->n_classes, want[i].n_classes);
        pt_graph_destroy(&g);
        assert_null(g);
    }
}

static void test_resnet_stages_and_statistics_have_the_published_sizes(void **state)
{
    static const struct {
        const char *network;
        size_t stage[4], channels;
    } want[] = {{"resnet18", {147968, 525568, 2099712, 8393728}, 4800},
                {"resnet34", {221952, 1116416, 6822400, 13114368}, 8512},
                {"resnet50", {215808, 1219584, 7098368, 14964736}, 26560},
                {"resnet101", {215808, 1219584, 26090496, 14964736}, 52672},
                {"resnet152", {215808, 2339840, 40613888, 14964736}, 75712}};

    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        pt_graph *g = make(want[i].network, 1000);

        for (int stage = 0; stage < 4; stage++) {
            const char prefix[] = {'l', 'a', 'y', 'e', 'r', (char)('1' + stage), '.', 0};

            assert_int_equal(params_with_prefix(g, prefix), want[i].stage[stage]);
        }
        assert_int_equal(g->n_floats - g->n_param_floats, 2 * want[i].channels);
        pt_graph_destroy(&g);
    }
}

/* In millions, as method.md prints them. */
static void assert_mmacs(pt_graph *g, double want, double half_digit)
{
    double got = (double)pt_graph_macs(g) / 1e6;

    if (got < want - half_digit || got > want + half_digit)
        fail_msg("%s: %.3f million multiply-adds, expected %.3f", g->network, got, want);
    pt_graph_destroy(&g);
}

static void test_multiply_adds_are_the_published_ones(void **state)
{
    pt_graph_options v1 = {.n_classes = 1000, .stride_at = PT_STRIDE_CONV1};
    static const struct {
        const char *network;
        double v1, v15;
    } want[] = {
        {"resnet50", 3858, 4089}, {"resnet101", 7570, 7801}, {"resnet152", 11282, 11514}};

    assert_mmacs(make("vgg16", 1000), 15470, 0.5);
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        pt_graph *g = NULL;

        assert_int_equal(pt_graph_create(want[i].network, &v1, &g), PT_OK);
        assert_mmacs(g, want[i].v1, 0.5);
        assert_mmacs(make(want[i].network, 1000), want[i].v15, 0.5);
    }
}

static void test_vgg_maps_have_the_published_shapes(void **state)
{
    pt_graph *g = make("vgg16", 102);

    assert_shape(g, "features.2", 224, 64);
    assert_shape(g, "features.4", 112, 64);
    assert_shape(g, "features.9", 56, 128);
    assert_shape(g, "features.16", 28, 256);
    assert_shape(g, "features.23", 14, 512);
    assert_shape(g, "features.30", 7, 512);
    assert_shape(g, "classifier.3", 1, 4096);
    assert_shape(g, "classifier.6", 1, 102);
    pt_graph_destroy(&g);
}

static void test_resnet_maps_have_the_published_shapes(void **state)
{
    pt_graph *g = make("resnet50", 200);

    assert_shape(g, "conv1", 112, 64);
    assert_shape(g, "maxpool", 56, 64);
    assert_shape(g, "layer1.2.relu3", 56, 256);
    assert_shape(g, "layer2.3.relu3", 28, 512);
    assert_shape(g, "layer3.5.relu3", 14, 1024);
    assert_shape(g, "layer4.2.relu3", 7, 2048);
    assert_shape(g, "avgpool", 1, 2048);
    pt_graph_destroy(&g);
}

static void test_squeezenet_and_mobilenet_maps_have_the_published_shapes(void **state)
{
    pt_graph *g = make("squeezenet1_1", 17);

    assert_shape(g, "features.0", 111, 64);
    assert_shape(g, "features.4", 55, 128);
    assert_shape(g, "features.7", 27, 256);
    assert_shape(g, "features.12", 13, 512);
    pt_graph_destroy(&g);

    g = make("mobilenet_v1", 17);
    assert_shape(g, "conv1", 112, 32);
    assert_shape(g, "conv_pw_1_relu", 112, 64);
    assert_shape(g, "conv_dw_2", 56, 64);
    assert_shape(g, "conv_dw_4", 28, 128);
    assert_shape(g, "conv_dw_6", 14, 256);
    assert_shape(g, "conv_pw_11_relu", 14, 512);
    assert_shape(g, "conv_dw_12", 7, 512);
    assert_shape(g, "conv_dw_13_relu", 7, 1024);
    pt_graph_destroy(&g);
}

static void test_small_networks_have_the_shapes_of_their_stages(void **state)
{
    const pt_graph_options opt = {.side = 12, .n_classes = 5};
    pt_graph *g = make("cifar_resnet56", 10);

    assert_shape(g, "layer1.8.relu2", 32, 16);
    assert_shape(g, "layer2.0.shortcut", 16, 32);
    assert_shape(g, "layer3.8.relu2", 8, 64);
    pt_graph_destroy(&g);
    assert_int_equal(pt_graph_create("resnet_small", &opt, &g), PT_OK);
    assert_shape(g, "layer1.0.relu2", 12, 16);
    assert_shape(g, "layer2.0.downsample.1", 6, 32);
    assert_shape(g, "layer3.0.relu2", 3, 64);
    assert_shape(g, "fc", 1, 5);
    pt_graph_destroy(&g);
}

static void check_node(const pt_graph *g, int i)
{
    const pt_node *n = &g->nodes[i];

    assert_true(n->h >= 1 && n->w >= 1 && n->c >= 1);
    assert_int_equal(n->in[0] == -1, n->op == PT_OP_INPUT);
    assert_int_equal(n->in[1] >= 0, n->op == PT_OP_ADD || n->op == PT_OP_CONCAT);
    assert_true(n->in[0] < i && n->in[1] < i);
    assert_int_equal(n->mean >= 0, n->op == PT_OP_BATCH_NORM);
    assert_int_equal(n->var >= 0, n->op == PT_OP_BATCH_NORM);
    if (n->weight >= 0) assert_int_equal(g->tensors[n->weight].node, i);
    if (n->bias >= 0) assert_int_equal(g->tensors[n->bias].node, i);
    if (n->mean >= 0) assert_true(g->tensors[n->mean].running && n->mean >= g->n_params);
    for (int j = 0; j < i; j++) assert_string_not_equal(n->name, g->nodes[j].name);
}

static void test_graphs_are_ordered_and_tensors_fill_the_array(void **state)
{
    for (const char *const *name = pt_graph_names(); *name; name++) {
        pt_graph *g = make(*name, 7);
        size_t at = 0;

        for (int i = 0; i < g->n_nodes; i++) check_node(g, i);
        for (int i = 0; i < g->n_tensors; i++) {
            const pt_tensor *t = &g->tensors[i];
            size_t count = 1;

            if (i == g->n_params) assert_int_equal(at, g->n_param_floats);
            for (int d = 0; d < t->n_dims; d++) count *= (size_t)t->dims[d];
            assert_int_equal(t->count, count);
            assert_int_equal(t->offset, at);
            assert_int_equal(t->running, i >= g->n_params);
            assert_int_equal(pt_graph_find_tensor(g, t->name), i); /* unique */
            at += count;
        }
        assert_int_equal(at, g->n_floats);
        assert_int_equal(g->logits, g->n_nodes - 1);
        assert_int_equal(pt_graph_find_tensor(g, "nothing.weight"), -1);
        pt_graph_destroy(&g);
    }
}

static void assert_head(const pt_graph *g, const char *name)
{
    int n = 0;

    for (int i = 0; i < g->n_tensors; i++) {
        bool in_name = strncmp(g->tensors[i].name, name, strlen(name)) == 0;

        assert_int_equal(g->tensors[i].head, in_name);
        n += in_name;
    }
    assert_int_equal(n, 2);
}

static void test_heads_are_the_last_layer_and_read_flattened_features(void **state)
{
    static const struct {
        const char *network, *head;
        int features;
    } want[] = {{"vgg16", "classifier.6.", 4096},  {"resnet101", "fc.", 2048},
                {"squeezenet1_1", "head.", 512},   {"mobilenet_v1", "head.", 1024},
                {"cifar_resnet20", "linear.", 64}, {"resnet_small", "fc.", 64}};
    const pt_graph_options original = {.n_classes = 1000, .original_head = true};
    pt_graph *g;

    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        const pt_tensor *t;

        g = make(want[i].network, 11);
        assert_head(g, want[i].head);
        t = &g->tensors[g->nodes[g->logits].weight];
        assert_int_equal(t->flat_h, 1);
        assert_int_equal(t->flat_w, 1);
        assert_int_equal(t->flat_c, want[i].features);
        assert_int_equal(t->dims[1], want[i].features);
        assert_int_equal(g->nodes[g->rep].c, want[i].features);
        pt_graph_destroy(&g);
    }
    g = make("vgg16", 11);
    assert_int_equal(g->tensors[pt_graph_find_tensor(g, "classifier.0.weight")].flat_h,
                     7);
    assert_int_equal(g->tensors[pt_graph_find_tensor(g, "classifier.0.weight")].flat_w,
                     7);
    assert_int_equal(g->tensors[pt_graph_find_tensor(g, "classifier.0.weight")].flat_c,
                     512);
    pt_graph_destroy(&g);
    assert_int_equal(pt_graph_create("squeezenet1_1", &original, &g), PT_OK);
    assert_head(g, "classifier.1.");
    assert_string_equal(g->nodes[g->rep].name, "features.12");
    pt_graph_destroy(&g);
}

static void test_vggs_representation_is_where_it_is_asked_for(void **state)
{
    static const char *const want[] = {[PT_REP_BEFORE_RELU] = "classifier.3",
                                       [PT_REP_AFTER_RELU] = "classifier.4",
                                       [PT_REP_AFTER_DROPOUT] = "classifier.5"};

    for (int at = 0; at < 3; at++) {
        const pt_graph_options opt = {.n_classes = 3, .rep_at = (pt_rep_at)at};
        pt_graph *g = NULL;

        assert_int_equal(pt_graph_create("vgg16", &opt, &g), PT_OK);
        assert_string_equal(g->nodes[g->rep].name, want[at]);
        pt_graph_destroy(&g);
    }
}

static void test_dropout_nodes_stay_without_dropout(void **state)
{
    const pt_graph_options opt = {.n_classes = 7};

    for (const char *const *name = pt_graph_names(); *name; name++) {
        pt_graph *with = make(*name, 7), *without = NULL;
        int dropouts = 0;

        assert_int_equal(pt_graph_create(*name, &opt, &without), PT_OK);
        assert_int_equal(with->n_nodes, without->n_nodes);
        for (int i = 0; i < with->n_nodes; i++) {
            assert_string_equal(with->nodes[i].name, without->nodes[i].name);
            if (with->nodes[i].op != PT_OP_DROPOUT) continue;
            assert_true(with->nodes[i].dropout == 0.5f);
            assert_true(without->nodes[i].dropout == 0.0f);
            dropouts++;
        }
        assert_int_equal(dropouts, strcmp(*name, "vgg16") == 0 ? 2 : 1);
        pt_graph_destroy(&with);
        pt_graph_destroy(&without);
    }
}

static void test_the_stride_sits_where_it_is_asked_for(void **state)
{
    pt_graph_options opt = {.n_classes = 10};
    pt_graph *g = NULL;

    for (int v1 = 0; v1 <= 1; v1++) {
        opt.stride_at = v1 ? PT_STRIDE_CONV1 : PT_STRIDE_CONV2;
        assert_int_equal(pt_graph_create("resnet50", &opt, &g), PT_OK);
        assert_int_equal(node_named(g, "layer2.0.conv1")->window.stride, v1 ? 2 : 1);
        assert_int_equal(node_named(g, "layer2.0.conv2")->window.stride, v1 ? 1 : 2);
        assert_int_equal(node_named(g, "layer2.0.downsample.0")->window.stride, 2);
        assert_int_equal(node_named(g, "layer2.1.conv1")->window.stride, 1);
        assert_int_equal(node_named(g, "layer1.0.conv2")->window.stride, 1);
        pt_graph_destroy(&g);
    }
}

static void test_mobilenet_pads_as_tensorflow_does(void **state)
{
    pt_graph_options opt = {.n_classes = 10};
    pt_graph *g = make("mobilenet_v1", 10);
    pt_window even = node_named(g, "conv_dw_2")->window;
    pt_window unit = node_named(g, "conv_dw_3")->window, odd;

    assert_true(even.pad_top == 0 && even.pad_left == 0);
    assert_true(even.pad_bottom == 1 && even.pad_right == 1);
    assert_true(unit.pad_top == 1 && unit.pad_left == 1);
    assert_true(unit.pad_bottom == 1 && unit.pad_right == 1);
    assert_true(node_named(g, "conv1_bn")->eps == 1e-3f);
    pt_graph_destroy(&g);

    opt.side = 225; /* an odd side: one pixel on both sides, ceil(225 / 2) rows */
    opt.bn_eps = 0.25f;
    assert_int_equal(pt_graph_create("mobilenet_v1", &opt, &g), PT_OK);
    odd = node_named(g, "conv1")->window;
    assert_true(odd.pad_top == 1 && odd.pad_bottom == 1);
    assert_int_equal(node_named(g, "conv1")->h, 113);
    assert_true(node_named(g, "conv1_bn")->eps == 0.25f);
    pt_graph_destroy(&g);
}

static void test_vgg_averages_its_last_map_unless_it_fits(void **state)
{
    static const struct {
        int side, map;
    } cases[] = {{32, 1}, {96, 3}, {223, 6}, {256, 8}, {448, 14}};
    pt_graph *fits = make("vgg16", 10);

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const pt_graph_options opt = {.side = cases[i].side, .n_classes = 10};
        const pt_node *pool;
        pt_graph *g;

        assert_int_equal(pt_graph_create("vgg16", &opt, &g), PT_OK);
        pool = node_named(g, "avgpool");
        assert_int_equal(pool->op, PT_OP_ADAPTIVE_AVG_POOL);
        assert_true(pool->h == 7 && pool->w == 7 && pool->c == 512);
        assert_int_equal(g->nodes[pool->in[0]].h, cases[i].map);
        assert_int_equal(g->n_nodes, fits->n_nodes + 1);
        assert_int_equal(g->n_floats, fits->n_floats); /* the same tensors */
        pt_graph_destroy(&g);
    }
    for (int i = 0; i < fits->n_nodes; i++)
        assert_int_not_equal(fits->nodes[i].op, PT_OP_ADAPTIVE_AVG_POOL);
    pt_graph_destroy(&fits);
}

static void assert_refused(const char *network, pt_graph_options opt, const char *text)
{
    pt_graph *g = (pt_graph *)&opt; /* anything but NULL */

    assert_int_equal(pt_graph_create(network, &opt, &g), PT_ERR_CONFIG);
    assert_null(g);
    if (!strstr(pt_fail_text(), text))
        fail_msg("'%s' is not in '%s'", text, pt_fail_text());
}

static void test_bad_options_are_refused_with_both_numbers(void **state)
{
    int side, n_classes;

    assert_refused("vgg16", (pt_graph_options){.side = 31, .n_classes = 2},
                   "input side 31 is too small: features.30 sees 1x1");
    assert_refused("vgg16", (pt_graph_options){.side = 4097, .n_classes = 2}, "4096");
    assert_refused("resnet_small", (pt_graph_options){.side = 4, .n_classes = 2}, "4");
    assert_refused("resnet_small", (pt_graph_options){.side = 30, .n_classes = 2},
                   "multiple of 4");
    assert_refused("resnet50", (pt_graph_options){.side = -1, .n_classes = 2}, "-1");
    assert_refused("resnet50", (pt_graph_options){.side = 5000, .n_classes = 2}, "4096");
    assert_refused("resnet50", (pt_graph_options){.n_classes = 0}, "0 classes");
    assert_refused("resnet50", (pt_graph_options){.n_classes = 2, .dropout = 1},
                   "dropout");
    assert_refused("resnet50", (pt_graph_options){.n_classes = 2, .bn_eps = -1},
                   "bn_eps");
    assert_refused("resnet5", (pt_graph_options){.n_classes = 2},
                   "did you mean 'resnet50'? known networks");
    assert_refused("perceptron", (pt_graph_options){.n_classes = 2},
                   "'perceptron'; known networks: vgg16");
    assert_int_equal(pt_graph_defaults("vgg19", &side, &n_classes), PT_ERR_CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parameter_counts_are_the_published_ones),
        cmocka_unit_test(test_resnet_stages_and_statistics_have_the_published_sizes),
        cmocka_unit_test(test_multiply_adds_are_the_published_ones),
        cmocka_unit_test(test_vgg_maps_have_the_published_shapes),
        cmocka_unit_test(test_resnet_maps_have_the_published_shapes),
        cmocka_unit_test(test_squeezenet_and_mobilenet_maps_have_the_published_shapes),
        cmocka_unit_test(test_small_networks_have_the_shapes_of_their_stages),
        cmocka_unit_test(test_graphs_are_ordered_and_tensors_fill_the_array),
        cmocka_unit_test(test_heads_are_the_last_layer_and_read_flattened_features),
        cmocka_unit_test(test_vggs_representation_is_where_it_is_asked_for),
        cmocka_unit_test(test_dropout_nodes_stay_without_dropout),
        cmocka_unit_test(test_the_stride_sits_where_it_is_asked_for),
        cmocka_unit_test(test_vgg_averages_its_last_map_unless_it_fits),
        cmocka_unit_test(test_mobilenet_pads_as_tensorflow_does),
        cmocka_unit_test(test_bad_options_are_refused_with_both_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
