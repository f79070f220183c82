/* Averages over a grid of windows against PyTorch's adaptive_avg_pool2d
 * (tests/data/layers/simple.txt, made by tests/oracle/layers_simple.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/support/golden.h"
#include "tests/support/pattern.h"
#include "worker/engine/layers/adaptive_pool.h"

#define GOLDEN PT_TEST_DATA "/layers/simple.txt"

enum { MAX = 7000 }; /* floats of an array */

/* The table of layers_simple.py. */
static const struct {
    const char *name;
    int n;
    pt_adaptive_pool s;
} pools[] = {{"smaller", 2, {10, 9, 5, 7, 7}}, {"twice", 1, {14, 14, 3, 7, 7}},
             {"larger", 2, {3, 5, 66, 7, 7}},  {"one", 1, {1, 1, 3, 7, 7}},
             {"odd", 1, {11, 5, 2, 3, 4}},     {"same", 1, {7, 7, 4, 7, 7}}};
enum { N_POOLS = sizeof pools / sizeof *pools };

static size_t in_floats(int i)
{
    return (size_t)(pools[i].n * pools[i].s.h * pools[i].s.w * pools[i].s.c);
}

static size_t out_floats(int i)
{
    return (size_t)(pools[i].n * pools[i].s.out_h * pools[i].s.out_w * pools[i].s.c);
}

/* Theirs adds in float. */
static void assert_golden(int i, const char *what, const float *ours, size_t n)
{
    char name[64];
    float *want;

    snprintf(name, sizeof name, "adaptive_%s_%s", pools[i].name, what);
    want = golden_load(GOLDEN, name, n);
    if (!(relative_distance(ours, want, n) < 1e-6)) fail_msg("%s differs", name);
    free(want);
}

static void run(int i, int threads, float *y, float *dx)
{
    static float x[MAX], dy[MAX];
    pt_threads *p = NULL;

    assert_true(in_floats(i) <= MAX && out_floats(i) <= MAX);
    pattern_fill(60 + (uint64_t)i, in_floats(i), x);
    assert_int_equal(pt_threads_create(threads, &p), PT_OK);
    pt_adaptive_pool_forward(p, &pools[i].s, pools[i].n, pt_floats(x), pt_floats(y));
    pattern_fill(80 + (uint64_t)i, out_floats(i), dy);
    pt_adaptive_pool_backward(p, &pools[i].s, pools[i].n, pt_floats(dy), false,
                              pt_floats(dx));
    pt_threads_destroy(&p);
}

static void test_averages_are_those_of_pytorch(void **state)
{
    static float y[MAX], dx[MAX];

    for (int i = 0; i < N_POOLS; i++) {
        run(i, 1, y, dx);
        assert_golden(i, "y", y, out_floats(i));
        assert_golden(i, "dx", dx, in_floats(i));
    }
}

static void test_bits_do_not_depend_on_threads(void **state)
{
    static float y[MAX], dx[MAX], y3[MAX], dx3[MAX];

    for (int i = 0; i < N_POOLS; i++) {
        run(i, 1, y, dx);
        run(i, 3, y3, dx3);
        assert_memory_equal(y, y3, out_floats(i) * sizeof *y);
        assert_memory_equal(dx, dx3, in_floats(i) * sizeof *dx);
    }
}

static void test_a_gradient_can_be_added(void **state)
{
    const pt_adaptive_pool s = {2, 2, 1, 1, 1};
    const float dy[1] = {8};
    float dx[4] = {1, 2, 3, 4};
    pt_threads *p = NULL;

    assert_int_equal(pt_threads_create(1, &p), PT_OK);
    pt_adaptive_pool_backward(p, &s, 1, pt_floats(dy), true, pt_floats(dx));
    assert_true(dx[0] == 3 && dx[1] == 4 && dx[2] == 5 && dx[3] == 6);
    pt_threads_destroy(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_averages_are_those_of_pytorch),
        cmocka_unit_test(test_bits_do_not_depend_on_threads),
        cmocka_unit_test(test_a_gradient_can_be_added),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
