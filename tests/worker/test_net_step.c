/* One training step and one evaluation of whole networks against PyTorch in double
 * precision (tests/data/net, made by tests/oracle/net_step.py). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/gemm/gemm_path.h"
#include "common/run/moments.h"
#include "tests/support/golden.h"
#include "tests/support/net_case.h"
#include "tests/support/pattern.h"
#include "worker/engine/gemm/gemm_blas.h"

/* Rounding alone: PyTorch's own float32 step is up to 2.3e-6 away from its double one
 * (worst tensor) for the first three networks, and 1.4e-4 for MobileNet, where most of a
 * gamma's gradient cancels: twice that is allowed, since the error is rounding's draw
 * (BLAS 1.5e-4, the exact product 2.1e-4). One mask that flips changes gradients by 1e-3.
 */
static const double tolerance = 1e-5, mobilenet_tolerance = 2.8e-4;

enum { IMAGES = 6, N_SHARDS = 8, PROJECTIONS = 8 };

/* Compares a tensor (memory layout) with the norm and projections in the file. */
static double distance(const char *path, const pt_tensor *t, const float *memory)
{
    float *want = golden_load(path, t->name, 1 + PROJECTIONS);
    float *file = malloc(t->count * sizeof *file);
    double squares = 0, norm = (double)want[0];

    assert_non_null(file);
    pt_tensor_to_file(t, memory, file);
    for (uint64_t k = 0; k < PROJECTIONS; k++) {
        double sum = 0;

        for (size_t i = 0; i < t->count; i++)
            sum += pattern_value(k + 1, i) < 0 ? -(double)file[i] : (double)file[i];
        squares +=
            (sum - (double)want[k + 1]) * (sum - (double)want[k + 1]) / PROJECTIONS;
    }
    free(want);
    free(file);
    return sqrt(squares) / norm;
}

typedef struct {
    char path[256];
    net_case c;
    pt_threads *pool;
    pt_net *net;
    double tolerance, worst;
} step_case;

static void check_logits(step_case *s, const char *name, const float *logits)
{
    float *want = golden_load(s->path, name, IMAGES * NET_CASE_CLASSES);
    double d = relative_distance(logits, want, IMAGES * NET_CASE_CLASSES);

    if (!(d < s->tolerance)) fail_msg("%s: relative distance %g", name, d);
    if (d > s->worst) s->worst = d;
    free(want);
}

static void check_tensor(step_case *s, const pt_tensor *t, const float *memory)
{
    double d = distance(s->path, t, memory);

    if (!(d < s->tolerance)) fail_msg("%s: relative distance %g", t->name, d);
    if (d > s->worst) s->worst = d;
}

static void check_running(step_case *s)
{
    const pt_graph *g = s->c.graph;

    for (int i = 0; i < g->n_nodes; i++) {
        const pt_node *n = &g->nodes[i];

        if (n->op != PT_OP_BATCH_NORM) continue;
        float *mean = s->c.weights + g->tensors[n->mean].offset;
        float *var = s->c.weights + g->tensors[n->var].offset;
        const double *m = pt_net_moments(s->net, i, 0);

        assert_non_null(m);
        pt_moments_update_running(m, (size_t)n->c, 0.1f, mean, var);
        check_tensor(s, &g->tensors[n->mean], mean);
        check_tensor(s, &g->tensors[n->var], var);
    }
}

static void check_network(const char *network, int side, double limit)
{
    static step_case s;
    float logits[IMAGES * NET_CASE_CLASSES];
    const pt_span span = {N_SHARDS, 0, N_SHARDS, IMAGES, false};

    s.tolerance = limit;
    s.worst = 0;
    snprintf(s.path, sizeof s.path, PT_TEST_DATA "/net/%s.txt", network);
    float *salt = golden_load(s.path, "salt", 1);
    net_case_init(&s.c, network, side, 0, IMAGES, (uint64_t)salt[0]);
    free(salt);
    assert_int_equal(pt_threads_create(2, &s.pool), PT_OK);
    const pt_net_options opt = {.graph = s.c.graph,
                                .pool = s.pool,
                                .weights = s.c.weights,
                                .max_images = IMAGES,
                                .n_shards = N_SHARDS,
                                .hi = N_SHARDS,
                                .training = true};
    assert_int_equal(pt_net_create(&opt, &s.net), PT_OK);

    assert_int_equal(pt_net_evaluate(s.net, IMAGES, s.c.input), PT_OK);
    check_logits(&s, "evaluated", pt_net_output(s.net, s.c.graph->logits));
    assert_int_equal(net_case_step(&s.c, s.net, &span, 0, 0, logits), PT_OK);
    check_logits(&s, "logits", logits);
    for (int i = 0; i < s.c.graph->n_params; i++)
        check_tensor(&s, &s.c.graph->tensors[i], pt_net_gradient(s.net, i, 0));
    check_running(&s);
    print_message("%s: worst relative distance %.2g\n", network, s.worst);

    pt_net_destroy(&s.net);
    pt_threads_destroy(&s.pool);
    net_case_fini(&s.c);
}

static void test_resnet_small_steps_as_in_pytorch(void **state)
{
    check_network("resnet_small", 32, tolerance);
}

static void test_cifar_resnet20_steps_as_in_pytorch(void **state)
{
    check_network("cifar_resnet20", 32, tolerance);
}

static void test_squeezenet_steps_as_in_pytorch(void **state)
{
    check_network("squeezenet1_1", 64, tolerance);
}

static void test_mobilenet_steps_as_in_pytorch(void **state)
{
    check_network("mobilenet_v1", 64, mobilenet_tolerance);
}

static void test_products_by_the_library_step_as_in_pytorch(void **state)
{
    pt_gemm_use(&pt_gemm_blas);
    check_network("resnet_small", 32, tolerance);
    check_network("squeezenet1_1", 64, tolerance);
    pt_gemm_use(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resnet_small_steps_as_in_pytorch),
        cmocka_unit_test(test_cifar_resnet20_steps_as_in_pytorch),
        cmocka_unit_test(test_squeezenet_steps_as_in_pytorch),
        cmocka_unit_test(test_mobilenet_steps_as_in_pytorch),
        cmocka_unit_test(test_products_by_the_library_step_as_in_pytorch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
