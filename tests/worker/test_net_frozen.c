/* Whole networks on small images, batch norm by its running statistics (frozen), against
 * PyTorch in double precision: logits, the gradient at the images, and for one network at
 * all parameters (tests/data/net/frozen.txt, made by tests/oracle/small_nets.py). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/support/golden.h"
#include "tests/support/net_case.h"
#include "tests/support/pattern.h"

#define GOLDEN PT_TEST_DATA "/net/frozen.txt"

/* Relative Euclidean norm. Rounding alone: 9.1e-7 was the most seen. */
static const double tolerance = 1e-5;

enum { N_SHARDS = 4, PROJECTIONS = 8 };

typedef struct {
    const char *name; /* in the file */
    net_case c;
    pt_threads *pool;
    pt_net *net;
} frozen_case;

/* `name`.`array` of the file, n values; free it. */
static float *wanted(const frozen_case *f, const char *array, size_t n)
{
    char key[128];

    snprintf(key, sizeof key, "%s.%s", f->name, array);
    return golden_load(GOLDEN, key, n);
}

/* Norm of the file's array and of v - array, the latter from projections. */
static double distance(const frozen_case *f, const char *array, const float *v, size_t n)
{
    float *want = wanted(f, array, 1 + PROJECTIONS);
    double squares = 0, norm = (double)want[0];

    for (uint64_t k = 0; k < PROJECTIONS; k++) {
        double sum = -(double)want[k + 1];

        for (size_t i = 0; i < n; i++)
            sum += pattern_value(k + 1, i) < 0 ? -(double)v[i] : (double)v[i];
        squares += sum * sum / PROJECTIONS;
    }
    free(want);
    return sqrt(squares) / norm;
}

static void require(const frozen_case *f, const char *what, double d)
{
    print_message("%s %s: relative distance %.2g\n", f->name, what, d);
    if (!(d < tolerance)) fail_msg("%s %s: relative distance %g", f->name, what, d);
}

/* Those of MobileNet are four times as large as in a training step. */
static void enlarge_gammas(net_case *c)
{
    for (int i = 0; i < c->graph->n_params; i++) {
        const pt_tensor *t = &c->graph->tensors[i];

        for (size_t k = 0; strstr(t->name, "_bn.weight") && k < t->count; k++)
            c->weights[t->offset + k] *= 4;
    }
}

static void open_case(frozen_case *f, const char *name, const char *network, int b,
                      const pt_graph_options *opt)
{
    *f = (frozen_case){.name = name};
    float *salt = wanted(f, "salt", 1);

    net_case_init_with(&f->c, network, opt, b, (uint64_t)salt[0]);
    free(salt);
    enlarge_gammas(&f->c);
    assert_int_equal(pt_threads_create(2, &f->pool), PT_OK);
    const pt_net_options net = {.graph = f->c.graph,
                                .pool = f->pool,
                                .weights = f->c.weights,
                                .max_images = b,
                                .n_shards = N_SHARDS,
                                .hi = N_SHARDS,
                                .training = true,
                                .input_gradient = true,
                                .bn_mode = PT_BN_FROZEN};
    assert_int_equal(pt_net_create(&net, &f->net), PT_OK);
}

static void close_case(frozen_case *f)
{
    pt_net_destroy(&f->net);
    pt_threads_destroy(&f->pool);
    net_case_fini(&f->c);
}

/* One step; checks logits and the gradient at the images. */
static void run(frozen_case *f)
{
    const pt_span span = {N_SHARDS, 0, N_SHARDS, f->c.b, false};
    const pt_node *in = &f->c.graph->nodes[0];
    size_t n_logits = (size_t)f->c.b * NET_CASE_CLASSES;
    size_t n_input = (size_t)f->c.b * (size_t)(in->h * in->w * in->c);
    float *want = wanted(f, "logits", n_logits);
    float *logits = malloc(n_logits * sizeof *logits);

    assert_non_null(logits);
    assert_int_equal(net_case_step(&f->c, f->net, &span, 0, 0, logits), PT_OK);
    require(f, "logits", relative_distance(logits, want, n_logits));
    require(f, "input", distance(f, "input", pt_net_input_gradient(f->net), n_input));
    free(want);
    free(logits);
}

static void check(const char *name, const char *network, int b,
                  const pt_graph_options *opt)
{
    static frozen_case f;

    open_case(&f, name, network, b, opt);
    run(&f);
    close_case(&f);
}

static void test_resnet_small_and_all_its_gradients_are_pytorchs(void **state)
{
    const pt_graph_options opt = {.side = 32, .n_classes = NET_CASE_CLASSES};
    static frozen_case f;

    open_case(&f, "resnet_small", "resnet_small", 6, &opt);
    run(&f);
    for (int i = 0; i < f.c.graph->n_params; i++) {
        const pt_tensor *t = &f.c.graph->tensors[i];
        float *file = malloc(t->count * sizeof *file);

        assert_non_null(file);
        pt_tensor_to_file(t, pt_net_gradient(f.net, i, 0), file);
        require(&f, t->name, distance(&f, t->name, file, t->count));
        free(file);
    }
    close_case(&f);
}

/* Nothing is trained: the gradient goes through all layers to the images all the same. */
static void test_input_gradient_needs_no_trained_layer(void **state)
{
    const pt_graph_options opt = {.side = 32, .n_classes = NET_CASE_CLASSES};
    static frozen_case f;

    open_case(&f, "resnet_small", "resnet_small", 6, &opt);
    bool *trained = calloc((size_t)f.c.graph->n_params, sizeof *trained);
    assert_non_null(trained);
    pt_net_set_trained(f.net, trained);
    free(trained);
    run(&f);
    close_case(&f);
}

static void test_cifar_resnet20_is_pytorchs(void **state)
{
    check("cifar_resnet20", "cifar_resnet20", 6,
          &(pt_graph_options){.side = 32, .n_classes = NET_CASE_CLASSES});
}

static void test_mobilenet_is_pytorchs(void **state)
{
    check("mobilenet_v1", "mobilenet_v1", 2,
          &(pt_graph_options){.side = 32, .n_classes = NET_CASE_CLASSES});
}

static void test_squeezenet_with_a_new_head_is_pytorchs(void **state)
{
    check("squeezenet1_1", "squeezenet1_1", 6,
          &(pt_graph_options){.side = 64, .n_classes = NET_CASE_CLASSES});
}

static void test_squeezenet_with_its_own_head_is_pytorchs(void **state)
{
    check("squeezenet1_1.own_head", "squeezenet1_1", 6,
          &(pt_graph_options){
              .side = 64, .n_classes = NET_CASE_CLASSES, .original_head = true});
}

static void test_resnet50_is_pytorchs(void **state)
{
    check("resnet50.conv2", "resnet50", 2,
          &(pt_graph_options){.side = 48, .n_classes = NET_CASE_CLASSES});
}

static void test_resnet50_with_stride_at_conv1_is_pytorchs(void **state)
{
    check("resnet50.conv1", "resnet50", 2,
          &(pt_graph_options){
              .side = 48, .n_classes = NET_CASE_CLASSES, .stride_at = PT_STRIDE_CONV1});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resnet_small_and_all_its_gradients_are_pytorchs),
        cmocka_unit_test(test_input_gradient_needs_no_trained_layer),
        cmocka_unit_test(test_cifar_resnet20_is_pytorchs),
        cmocka_unit_test(test_mobilenet_is_pytorchs),
        cmocka_unit_test(test_squeezenet_with_a_new_head_is_pytorchs),
        cmocka_unit_test(test_squeezenet_with_its_own_head_is_pytorchs),
        cmocka_unit_test(test_resnet50_is_pytorchs),
        cmocka_unit_test(test_resnet50_with_stride_at_conv1_is_pytorchs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
