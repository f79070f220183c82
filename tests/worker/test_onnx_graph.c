/* Networks that an ONNX model describes give the logits that PyTorch gave before it
 * exported them (tests/oracle/onnx_nets.py): with batch norm folded, with it, and with a
 * convolution for classifier. */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_graph_with_batch_norm_folded_gives_pytorchs_logits),
        cmocka_unit_test(test_a_graph_with_batch_norm_gives_pytorchs_logits),
        cmocka_unit_test(test_averages_over_windows_give_pytorchs_logits),
        cmocka_unit_test(test_a_classifier_below_the_mean_gives_pytorchs_logits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
