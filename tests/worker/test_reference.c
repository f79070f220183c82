/* Pretrained networks on one picture each, against the tensors that OpenCV and PyTorch
 * made of them (../shared/data/reference). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/weights/weights.h"
#include "tests/support/golden.h"
#include "tests/support/half.h"
#include "tests/support/shared.h"
#include "worker/engine/net/net.h"

/* Relative Euclidean norm. Rounding on both sides, float32: 1.1e-6 was the most seen. */
static const double tolerance = 1e-5;

typedef struct {
    pt_graph *graph;
    float *weights;
    pt_threads *pool;
    pt_net *net;
} model;

/* Fails the test with the library's own text. */
static void require(pt_status s)
{
    if (s != PT_OK) fail_msg("%s", pt_fail_text());
}

static void open_model(model *m, const char *network, const char *weights, bool with_head)
{
    pt_graph_options opt = {.original_head = true};
    char path[SHARED_PATH];
    int side;

    *m = (model){0};
    shared_path(path, weights);
    require(pt_graph_defaults(network, &side, &opt.n_classes));
    require(pt_graph_create(network, &opt, &m->graph));
    m->weights = pt_calloc(m->graph->n_floats, sizeof *m->weights);
    assert_non_null(m->weights);
    require(pt_weights_load(path, NULL, m->graph, with_head, m->weights, NULL));
    require(pt_threads_create(2, &m->pool));
    /* A net for training, as it keeps the maps within; frozen: running statistics. */
    const pt_net_options net = {.graph = m->graph,
                                .pool = m->pool,
                                .weights = m->weights,
                                .max_images = 1,
                                .n_shards = 1,
                                .hi = 1,
                                .training = true,
                                .bn_mode = PT_BN_FROZEN};
    require(pt_net_create(&net, &m->net));
}

static void close_model(model *m)
{
    pt_net_destroy(&m->net);
    pt_threads_destroy(&m->pool);
    pt_graph_destroy(&m->graph);
    free(m->weights);
}

/* A raw file of c planes of h x w floats, as [h][w][c]; free it. */
static float *read_planes(const char *name, int c, int h, int w)
{
    size_t pixels = (size_t)h * (size_t)w, n = pixels * (size_t)c;
    float *planes = malloc(n * sizeof *planes), *out = malloc(n * sizeof *out);
    char path[SHARED_PATH];

    shared_path(path, name);
    FILE *f = fopen(path, "rb");
    assert_true(f && planes && out);
    assert_int_equal(fread(planes, sizeof *planes, n, f), n);
    assert_int_equal(fgetc(f), EOF);
    fclose(f);
    for (size_t i = 0; i < n; i++) out[i % pixels * (size_t)c + i / pixels] = planes[i];
    free(planes);
    return out;
}

static void run(model *m, const char *input)
{
    const pt_span all = {1, 0, 1, 1, false};
    const pt_node *in = &m->graph->nodes[0];
    float *x = read_planes(input, in->c, in->h, in->w);

    require(pt_net_forward(m->net, &all, x, 0));
    free(x);
}

static void check(const model *m, int node, const char *expected)
{
    const pt_node *n = &m->graph->nodes[node];
    const float *got = pt_net_output(m->net, node);
    float *want = read_planes(expected, n->c, n->h, n->w);
    double d;

    assert_non_null(got);
    d = relative_distance(got, want, (size_t)n->h * (size_t)n->w * (size_t)n->c);
    print_message("%s %s: relative distance %.2g\n", m->graph->network, n->name, d);
    if (!(d < tolerance)) fail_msg("%s: relative distance %g", expected, d);
    free(want);
}

#define REF     "data/reference/"
#define WEIGHTS "data/weights/"

static void test_squeezenet_of_onnx_gives_the_reference_logits(void **state)
{
    model m;

    open_model(&m, "squeezenet1_1", WEIGHTS "squeezenet1.1/SqueezeNet_fp16.onnx", true);
    run(&m, REF "squeezenet_input_bgr_3x224x224.f32");
    check(&m, m.graph->rep, REF "squeezenet_fire9_512x13x13.f32");
    check(&m, m.graph->logits, REF "squeezenet_logits_1000.f32");
    close_model(&m);
}

/* The weights of Keras are those of ONNX before they were rounded. */
static void test_squeezenet_of_keras_rounded_gives_the_reference_map(void **state)
{
    model m;

    open_model(&m, "squeezenet1_1",
               WEIGHTS "squeezenet1.1/"
                       "squeezenet_weights_tf_dim_ordering_tf_kernels_notop.h5",
               false);
    for (size_t i = 0; i < m.graph->n_floats; i++)
        m.weights[i] = round_to_half(m.weights[i]);
    run(&m, REF "squeezenet_input_bgr_3x224x224.f32");
    check(&m, m.graph->rep, REF "squeezenet_fire9_512x13x13.f32");
    close_model(&m);
}

static void test_mobilenet_gives_the_reference_map(void **state)
{
    model m;
    int last = -1;

    open_model(&m, "mobilenet_v1", WEIGHTS "mobilenet_v1_1.0_224", false);
    run(&m, REF "mobilenet_input_rgb_3x224x224.f32");
    for (int i = 0; i < m.graph->n_nodes; i++)
        if (strcmp(m.graph->nodes[i].name, "conv_dw_13_relu") == 0) last = i;
    assert_true(last >= 0);
    check(&m, last, REF "mobilenet_conv_dw_13_1024x7x7.f32");
    close_model(&m);
}

static void check_cifar(const char *network, const char *weights, const char *logits)
{
    model m;

    open_model(&m, network, weights, true);
    run(&m, REF "resnet_input_rgb_3x32x32.f32");
    check(&m, m.graph->logits, logits);
    close_model(&m);
}

static void test_cifar_resnet20_gives_the_reference_logits(void **state)
{
    check_cifar("cifar_resnet20", WEIGHTS "resnet_cifar10/resnet20-12fca82f.th",
                REF "resnet20_logits_10.f32");
}

static void test_cifar_resnet56_gives_the_reference_logits(void **state)
{
    check_cifar("cifar_resnet56", WEIGHTS "resnet_cifar10/resnet56-4bfd9763.th",
                REF "resnet56_logits_10.f32");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_squeezenet_of_onnx_gives_the_reference_logits),
        cmocka_unit_test(test_squeezenet_of_keras_rounded_gives_the_reference_map),
        cmocka_unit_test(test_mobilenet_gives_the_reference_map),
        cmocka_unit_test(test_cifar_resnet20_gives_the_reference_logits),
        cmocka_unit_test(test_cifar_resnet56_gives_the_reference_logits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
