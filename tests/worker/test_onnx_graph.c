/* Networks that an ONNX model describes give the logits that PyTorch gave before it
 * exported them (tests/oracle/onnx_nets.py): with batch norm folded, with it, and with a
 * convolution for classifier. In training their gradients are PyTorch's, too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/weights/onnx_graph.h"
#include "worker/engine/net/net.h"

enum { SIDE = 16, CLASSES_MAX = 8 };

/* The logits in graph.tsv: how many. */
static int expected(const char *name, double *logits)
{
    FILE *f = fopen(PT_TEST_DATA "/weights/graph.tsv", "r");
    char line[512], file[64];
    int at = 0, n = 0, used;

    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        assert_int_equal(sscanf(line, "%63s%n", file, &at), 1);
        if (strcmp(file, name) != 0) continue;
        for (; n < CLASSES_MAX && sscanf(line + at, "%lf%n", &logits[n], &used) == 1; n++)
            at += used;
    }
    assert_int_equal(fclose(f), 0);
    assert_true(n > 0);
    return n;
}

/* The script's picture, as the engine has it: [h][w][c]. */
static void fill_picture(float *x)
{
    for (int c = 0; c < 3; c++)
        for (int p = 0; p < SIDE * SIDE; p++)
            x[p * 3 + c] = (float)((c * SIDE * SIDE + p) * 37 % 101) / 50 - 1;
}

static void check(const char *name, bool softmax)
{
    double want[CLASSES_MAX], shift = 0;
    float *weights = NULL, picture[SIDE * SIDE * 3];
    pt_threads *pool = NULL;
    pt_graph *g = NULL;
    pt_net *net = NULL;
    const float *got;
    char path[256];
    int n = expected(name, want);

    snprintf(path, sizeof path, PT_TEST_DATA "/weights/%s", name);
    fill_picture(picture);
    if (pt_onnx_graph_load(path, &g, &weights) != PT_OK) fail_msg("%s", pt_fail_text());
    assert_int_equal(g->n_classes, n);
    assert_int_equal(pt_threads_create(1, &pool), PT_OK);
    const pt_net_options opt = {.graph = g,
                                .pool = pool,
                                .weights = weights,
                                .max_images = 1,
                                .n_shards = 1,
                                .hi = 1};
    assert_int_equal(pt_net_create(&opt, &net), PT_OK);
    assert_int_equal(pt_net_evaluate(net, 1, picture), PT_OK);
    got = pt_net_output(net, g->logits);
    assert_non_null(got);
    if (softmax) shift = (double)got[0] - want[0]; /* its logits are known but for this */
    for (int i = 0; i < n; i++)
        if (!(fabs((double)got[i] - shift - want[i]) < 1e-5))
            fail_msg("%s: logit %d is %g, not %g", name, i, (double)got[i] - shift,
                     want[i]);
    pt_net_destroy(&net);
    pt_threads_destroy(&pool);
    pt_graph_destroy(&g);
    free(weights);
}

static void test_a_graph_with_batch_norm_folded_gives_pytorchs_logits(void **state)
{
    check("graph_folded.onnx", false);
}

static void test_a_graph_with_batch_norm_gives_pytorchs_logits(void **state)
{
    check("graph_kept.onnx", false);
}

static void test_a_classifier_below_the_mean_gives_pytorchs_logits(void **state)
{
    check("graph_mean.onnx", true);
}

static void test_averages_over_windows_give_pytorchs_logits(void **state)
{
    check("graph_average.onnx", false);
}

/* ---- gradients --------------------------------------------------------------------- */

enum { IMAGES = 3, PIXELS = SIDE * SIDE, GRADIENT_MAX = 4096 };

/* The picture and its mirror images in x and in y. */
static void fill_batch(float *x)
{
    fill_picture(x);
    for (int row = 0; row < SIDE; row++)
        for (int column = 0; column < SIDE; column++)
            for (int c = 0; c < 3; c++) {
                float v = x[(row * SIDE + column) * 3 + c];

                x[(PIXELS + row * SIDE + SIDE - 1 - column) * 3 + c] = v;
                x[(2 * PIXELS + (SIDE - 1 - row) * SIDE + column) * 3 + c] = v;
            }
}

/* A graph like the file's with its weights, nothing dropped. */
static pt_graph *load_like(const char *path, float **flat)
{
    pt_graph *own, *g;
    pt_onnx_use use;

    if (pt_onnx_graph_read(path, &own) != PT_OK) fail_msg("%s", pt_fail_text());
    const pt_graph_options opt = {.like = own, .n_classes = own->n_classes};

    if (pt_graph_create(NULL, &opt, &g) != PT_OK) fail_msg("%s", pt_fail_text());
    *flat = calloc(g->n_floats, sizeof **flat);
    if (pt_onnx_graph_weights(path, g, true, *flat, &use) != PT_OK)
        fail_msg("%s", pt_fail_text());
    pt_graph_destroy(&own);
    return g;
}

/* Three sums of the gradient g [n] that tell it: see onnx_nets.py. */
static void sums_of(const float *g, size_t n, double sums[3])
{
    sums[0] = sums[1] = sums[2] = 0;
    for (size_t i = 0; i < n; i++) {
        double v = (double)g[i];

        sums[0] += v * ((double)(i * 37 % 101) / 50 - 1);
        sums[1] += v * ((double)(i * 53 % 97) / 48 - 1);
        sums[2] += v * v;
    }
}

/* Ours is float32: a sum of the gradient's values is off by a part of their size. */
static void compare(const pt_graph *g, pt_net *net, const char *name,
                    const double want[3])
{
    static float file[GRADIENT_MAX];
    int t = pt_graph_find_tensor(g, name);
    double sums[3], size = sqrt(want[2]) + 1e-2;

    if (t < 0) fail_msg("no tensor %s", name);
    assert_true(g->tensors[t].count <= GRADIENT_MAX);
    pt_tensor_to_file(&g->tensors[t], pt_net_gradient(net, t, 0), file);
    sums_of(file, g->tensors[t].count, sums);
    if (!(fabs(sums[0] - want[0]) < 2e-5 * size &&
          fabs(sums[1] - want[1]) < 2e-5 * size &&
          fabs(sqrt(sums[2]) - sqrt(want[2])) < 2e-5 * size))
        fail_msg("%s: %g %g %g, not %g %g %g", name, sums[0], sums[1], sums[2], want[0],
                 want[1], want[2]);
}

/* All lines of graph_gradients.tsv that are of the file. */
static int compare_all(const pt_graph *g, pt_net *net, const char *name)
{
    FILE *f = fopen(PT_TEST_DATA "/weights/graph_gradients.tsv", "r");
    char file[64], tensor[64];
    double want[3];
    int n = 0;

    assert_non_null(f);
    while (fscanf(f, "%63s %63s %lf %lf %lf", file, tensor, &want[0], &want[1],
                  &want[2]) == 5) {
        if (strcmp(file, name) != 0) continue;
        compare(g, net, tensor, want);
        n++;
    }
    assert_int_equal(fclose(f), 0);
    return n;
}

static void check_gradients(const char *name)
{
    static float batch[IMAGES * PIXELS * 3];
    float dlogits[IMAGES * CLASSES_MAX], *weights = NULL;
    const pt_span span = {1, 0, 1, IMAGES, false};
    pt_threads *pool = NULL;
    const float *drep;
    pt_net *net = NULL;
    pt_graph *g;
    char path[256];

    snprintf(path, sizeof path, PT_TEST_DATA "/weights/%s", name);
    g = load_like(path, &weights);
    fill_batch(batch);
    for (int i = 0; i < IMAGES * g->n_classes; i++)
        dlogits[i] = (float)(i * 29 % 23) / 11 - 1;
    assert_int_equal(pt_threads_create(2, &pool), PT_OK);
    const pt_net_options opt = {.graph = g, /* one shard: the statistics of the batch */
                                .pool = pool,
                                .weights = weights,
                                .max_images = IMAGES,
                                .n_shards = 1,
                                .hi = 1,
                                .training = true,
                                .bn_mode = PT_BN_SHARD};
    assert_int_equal(pt_net_create(&opt, &net), PT_OK);
    assert_int_equal(pt_net_forward(net, &span, batch, 0), PT_OK);
    assert_int_equal(pt_net_backward_head(net, dlogits, &drep), PT_OK);
    assert_int_equal(pt_net_backward(net, drep), PT_OK);
    assert_int_equal(compare_all(g, net, name), g->n_params);
    pt_net_destroy(&net);
    pt_threads_destroy(&pool);
    pt_graph_destroy(&g);
    free(weights);
}

static void test_gradients_of_branches_and_batch_norm_are_pytorchs(void **state)
{
    check_gradients("graph_kept.onnx");
}

static void test_gradients_of_averages_are_pytorchs(void **state)
{
    check_gradients("graph_average.onnx");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_graph_with_batch_norm_folded_gives_pytorchs_logits),
        cmocka_unit_test(test_a_graph_with_batch_norm_gives_pytorchs_logits),
        cmocka_unit_test(test_averages_over_windows_give_pytorchs_logits),
        cmocka_unit_test(test_a_classifier_below_the_mean_gives_pytorchs_logits),
        cmocka_unit_test(test_gradients_of_branches_and_batch_norm_are_pytorchs),
        cmocka_unit_test(test_gradients_of_averages_are_pytorchs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
