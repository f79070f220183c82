/* VGG-16 (also at 96 and 288 pixels) and ResNet-18, -34, -50, -101 and -152 against
 * torchvision's own modules: logits, the gradient at the images and at every parameter.
 * Needs /usr/bin/python3 with torch, torchvision and h5py;
 * tests/oracle/torchvision_nets.py writes the weights, as our model file, and what
 * PyTorch computes from them.
 *
 * Winograd's rounding turns a window or two of VGG-16's max pools, and a gradient that
 * takes another way is off by a percent or more. So there the gradients are those of
 * torchvision's network with our choices (tests/oracle/given.py), and the outputs of all
 * ReLUs, which are continuous, have to be its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/data/h5file.h"
#include "common/weights/weights.h"
#include "tests/support/relu_file.h"
#include "worker/engine/net/net.h"

/* Largest difference over largest value, of each array. Our side is float32 and rounds in
 * each of up to 152 layers: 5.2e-6 was the most seen of logits, 1.4e-5 of input
 * gradients, 3.1e-5 of parameters, all of them in VGG-16 by Winograd. */
static const double tolerance = 1e-4;

/* Whose ReLUs and max pools the gradients are compared for. */
typedef enum { OWN_CHOICES, OUR_CHOICES } choices;

enum { IMAGES = 2, CLASSES = 1000, N_SHARDS = 2 };

#define PYTHON "/usr/bin/python3"

typedef struct {
    const char *network, *stride_at;
    int side;
    pt_kernel kernel;
    char dir[64], model[96], expected[96], relus[96], given[96];
    pt_h5file *file;
    pt_weights_info info;
    pt_graph *graph;
    float *weights, *input;
    pt_threads *pool;
    pt_net *net;
} comparison;

static comparison current; /* so that a test that fails leaves no gigabyte behind */

/* Fails the test with the library's own text. */
static void require(pt_status s)
{
    if (s != PT_OK) fail_msg("%s", pt_fail_text());
}

/* The data set `name` of expected.h5; free it. */
static float *expected(const comparison *c, const char *name, size_t n)
{
    float *v = malloc(n * sizeof *v);

    assert_non_null(v);
    require(pt_h5file_read_f32_into(c->file, name, v, n));
    return v;
}

static double difference(const float *a, const float *b, size_t n)
{
    double worst_error = 0, largest = 0;

    for (size_t i = 0; i < n; i++) {
        double d = (double)a[i] - (double)b[i], v = (double)b[i];

        d = d < 0 ? -d : d;
        v = v < 0 ? -v : v;
        if (d > worst_error || d != d) worst_error = d; /* a NaN stays */
        if (v > largest) largest = v;
    }
    return worst_error / largest;
}

static double check(const comparison *c, const char *name, const float *got, size_t n)
{
    float *want = expected(c, name, n);
    double d = difference(got, want, n);

    free(want);
    if (!(d < tolerance)) fail_msg("%s: %g of the largest value", name, d);
    return d;
}

static void run_oracle(const comparison *c, const char *what)
{
    char command[512];

    snprintf(command, sizeof command,
             PYTHON " " PT_TEST_DATA "/../oracle/torchvision_nets.py %s %s %d %s %s",
             c->network, c->stride_at, c->side, c->dir, what);
    assert_int_equal(system(command), 0);
}

static void write_files(comparison *c)
{
    snprintf(c->dir, sizeof c->dir, "/tmp/ptrain_torchvision_XXXXXX");
    assert_non_null(mkdtemp(c->dir));
    snprintf(c->model, sizeof c->model, "%s/model.h5", c->dir);
    snprintf(c->expected, sizeof c->expected, "%s/expected.h5", c->dir);
    snprintf(c->relus, sizeof c->relus, "%s/relus.h5", c->dir);
    snprintf(c->given, sizeof c->given, "%s/given.h5", c->dir);
    run_oracle(c, "");
}

static size_t input_floats(const comparison *c)
{
    return (size_t)(IMAGES * c->side * c->side * 3);
}

static void open_net(comparison *c)
{
    require(pt_weights_inspect(c->model, NULL, &c->info));
    assert_string_equal(c->info.network, c->network);
    require(pt_graph_create(c->network, &c->info.options, &c->graph));
    c->weights = pt_calloc(c->graph->n_floats, sizeof *c->weights);
    assert_non_null(c->weights);
    require(pt_weights_load(c->model, NULL, c->graph, true, c->weights, NULL));
    require(pt_h5file_open(c->expected, &c->file));
    c->input = expected(c, "input", input_floats(c));
    require(pt_threads_create(2, &c->pool));
    const pt_net_options opt = {.graph = c->graph,
                                .pool = c->pool,
                                .weights = c->weights,
                                .max_images = IMAGES,
                                .n_shards = N_SHARDS,
                                .hi = N_SHARDS,
                                .training = true,
                                .input_gradient = true,
                                .kernel = c->kernel,
                                .bn_mode = PT_BN_FROZEN};
    require(pt_net_create(&opt, &c->net));
}

static int close_all(void **state)
{
    comparison *c = &current;

    pt_net_destroy(&c->net);
    pt_threads_destroy(&c->pool);
    pt_graph_destroy(&c->graph);
    pt_h5file_destroy(&c->file);
    free(c->weights);
    free(c->input);
    if (!c->dir[0]) return 0;
    unlink(c->model);
    unlink(c->expected);
    unlink(c->relus);
    unlink(c->given);
    return rmdir(c->dir);
}

static double check_parameters(const comparison *c, const char **worst)
{
    double worst_error = 0;

    for (int i = 0; i < c->graph->n_params; i++) {
        const pt_tensor *t = &c->graph->tensors[i];
        float *file = malloc(t->count * sizeof *file);
        char name[PT_NAME_MAX + 16];

        assert_non_null(file);
        snprintf(name, sizeof name, "gradients/%s", t->name);
        pt_tensor_to_file(t, pt_net_gradient(c->net, i, 0), file);
        double d = check(c, name, file, t->count);

        free(file);
        if (d < worst_error) continue;
        worst_error = d;
        *worst = t->name;
    }
    return worst_error;
}

/* After the forward pass: from now on the gradients are those of torchvision's network
 * with our choices. */
static void give_choices(comparison *c)
{
    pt_h5file *out = NULL;
    float off;

    require(pt_h5file_create(c->relus, &out));
    require(write_relus(c->net, c->graph, IMAGES, out));
    require(pt_h5file_commit(&out));
    run_oracle(c, "given");
    pt_h5file_destroy(&c->file);
    require(pt_h5file_open(c->given, &c->file));
    require(pt_h5file_read_f32_into(c->file, "off", &off, 1));
    if (!((double)off < tolerance))
        fail_msg("a ReLU's output: %g of the largest value", (double)off);
}

static void compare_at(const char *network, const char *stride_at, int side,
                       pt_kernel kernel, choices whose)
{
    const pt_span all = {N_SHARDS, 0, N_SHARDS, IMAGES, false};
    comparison *c = &current;
    const float *drep;
    const char *worst = "";

    *c = (comparison){
        .network = network, .stride_at = stride_at, .side = side, .kernel = kernel};
    write_files(c);
    open_net(c);
    require(pt_net_forward(c->net, &all, c->input, 0));
    double logits =
        check(c, "logits", pt_net_output(c->net, c->graph->logits), IMAGES * CLASSES);
    float *dlogits = expected(c, "dlogits", IMAGES * CLASSES);
    if (whose == OUR_CHOICES) give_choices(c);
    require(pt_net_backward_head(c->net, dlogits, &drep));
    require(pt_net_backward(c->net, drep));
    double input =
        check(c, "input_gradient", pt_net_input_gradient(c->net), input_floats(c));
    double parameters = check_parameters(c, &worst);

    print_message(
        "%s, stride at %s, side %d: of the largest value: logits %.2g, input gradient "
        "%.2g, parameters %.2g (%s)\n",
        network, stride_at, side, logits, input, parameters, worst);
    free(dlogits);
}

static void compare(const char *network, const char *stride_at)
{
    compare_at(network, stride_at, 224, PT_WINOGRAD, OWN_CHOICES);
}

static void test_vgg16_is_torchvisions(void **state)
{
    compare_at("vgg16", "conv2", 224, PT_DIRECT, OWN_CHOICES);
}

/* Its last map is 3 x 3. */
static void test_vgg16_at_96_pixels_is_torchvisions(void **state)
{
    compare_at("vgg16", "conv2", 96, PT_DIRECT, OWN_CHOICES);
}

static void test_vgg16_by_winograd_is_torchvisions(void **state)
{
    compare_at("vgg16", "conv2", 224, PT_WINOGRAD, OUR_CHOICES);
}

/* Its last map is 9 x 9, averaged to 7 x 7. */
static void test_vgg16_by_winograd_at_288_pixels_is_torchvisions(void **state)
{
    compare_at("vgg16", "conv2", 288, PT_WINOGRAD, OUR_CHOICES);
}

static void test_resnet18_is_torchvisions(void **state)
{
    compare("resnet18", "conv2");
}

static void test_resnet34_is_torchvisions(void **state)
{
    compare("resnet34", "conv2");
}

static void test_resnet50_is_torchvisions(void **state)
{
    compare("resnet50", "conv2");
}

static void test_resnet50_of_he_et_al_is_torchvisions_with_moved_strides(void **state)
{
    compare("resnet50", "conv1");
}

static void test_resnet101_is_torchvisions(void **state)
{
    compare("resnet101", "conv2");
}

static void test_resnet101_of_he_et_al_is_torchvisions_with_moved_strides(void **state)
{
    compare("resnet101", "conv1");
}

static void test_resnet152_is_torchvisions(void **state)
{
    compare("resnet152", "conv2");
}

static void test_resnet152_of_he_et_al_is_torchvisions_with_moved_strides(void **state)
{
    compare("resnet152", "conv1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_vgg16_is_torchvisions, close_all),
        cmocka_unit_test_teardown(test_vgg16_at_96_pixels_is_torchvisions, close_all),
        cmocka_unit_test_teardown(test_vgg16_by_winograd_is_torchvisions, close_all),
        cmocka_unit_test_teardown(test_vgg16_by_winograd_at_288_pixels_is_torchvisions,
                                  close_all),
        cmocka_unit_test_teardown(test_resnet18_is_torchvisions, close_all),
        cmocka_unit_test_teardown(test_resnet34_is_torchvisions, close_all),
        cmocka_unit_test_teardown(test_resnet50_is_torchvisions, close_all),
        cmocka_unit_test_teardown(
            test_resnet50_of_he_et_al_is_torchvisions_with_moved_strides, close_all),
        cmocka_unit_test_teardown(test_resnet101_is_torchvisions, close_all),
        cmocka_unit_test_teardown(
            test_resnet101_of_he_et_al_is_torchvisions_with_moved_strides, close_all),
        cmocka_unit_test_teardown(test_resnet152_is_torchvisions, close_all),
        cmocka_unit_test_teardown(
            test_resnet152_of_he_et_al_is_torchvisions_with_moved_strides, close_all),
    };

    if (system(PYTHON " -c 'import torch, torchvision, h5py' 2>/dev/null") != 0) {
        printf("skip: " PYTHON " has no torch, torchvision and h5py\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
