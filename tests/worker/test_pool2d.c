/* Pools against PyTorch (tests/data/layers/simple.txt, made by
 * tests/oracle/layers_simple.py). */
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
#include "tests/support/pattern.h"
#include "worker/engine/layers/pool2d.h"

#define GOLDEN PT_TEST_DATA "/layers/simple.txt"

/* The table of layers_simple.py: n, h, w, c, kernel, stride, padding. */
static const struct {
    const char *name;
    int n, h, w, c, k, stride, pad;
} pools[] = {{"floor", 2, 7, 6, 5, 3, 2, 0},
             {"ceil", 2, 8, 6, 5, 3, 2, 0},
             {"pad", 1, 7, 9, 67, 3, 2, 1},
             {"ceil_pad", 1, 6, 7, 3, 2, 3, 1},
             {"even", 1, 4, 4, 64, 2, 2, 0}};

enum { N_POOLS = sizeof pools / sizeof *pools };

static float *golden(const char *pool, const char *what, size_t n)
{
    char name[64];

    snprintf(name, sizeof name, "max_%s_%s", pool, what);
    return golden_load(GOLDEN, name, n);
}

static void check_pool(int i, pt_threads *p)
{
    float *size = golden(pools[i].name, "size", 2);
    pt_max_pool s = {pools[i].h, pools[i].w, pools[i].c,      (int)size[0], (int)size[1],
                     pools[i].k, pools[i].k, pools[i].stride, pools[i].pad, pools[i].pad};
    size_t n_in = (size_t)(pools[i].n * s.h * s.w * s.c);
    size_t n_out = (size_t)(pools[i].n * s.out_h * s.out_w * s.c);
    float *want_y = golden(pools[i].name, "y", n_out);
    float *want_dx = golden(pools[i].name, "dx", n_in);
    float *x = malloc(n_in * sizeof *x), *dx = malloc(n_in * sizeof *dx);
    float *y = malloc(n_out * sizeof *y), *dy = malloc(n_out * sizeof *dy);
    uint8_t *argmax = malloc(n_out);

    assert_true(x && dx && y && dy && argmax);
    pattern_fill(20 + (uint64_t)i, n_in, x);
    pattern_fill(40 + (uint64_t)i, n_out, dy);
    for (size_t j = 0; j < n_in; j++) x[j] = nearbyintf(x[j] * 8) / 4;
    pt_max_pool_forward(p, &s, pools[i].n, x, y, argmax);
    assert_memory_equal(y, want_y, n_out * sizeof *y);
    memset(y, 0, n_out * sizeof *y);
    pt_max_pool_forward(p, &s, pools[i].n, x, y, NULL);
    assert_memory_equal(y, want_y, n_out * sizeof *y);

    /* at most four gradients meet in a pixel: the same sums up to their order */
    pt_max_pool_backward(p, &s, pools[i].n, dy, argmax, false, NULL, dx);
    assert_true(relative_distance(dx, want_dx, n_in) < 1e-7);
    for (size_t j = 0; j < n_in; j++) dx[j] = 1;
    pt_max_pool_backward(p, &s, pools[i].n, dy, argmax, true, NULL, dx);
    for (size_t j = 0; j < n_in; j++) want_dx[j] += 1;
    assert_true(relative_distance(dx, want_dx, n_in) < 1e-7);
    free(size);
    free(want_y);
    free(want_dx);
    free(x);
    free(dx);
    free(y);
    free(dy);
    free(argmax);
}

static void test_max_pool_is_that_of_pytorch(void **state)
{
    for (int threads = 1; threads <= 3; threads++) {
        pt_threads *p = NULL;

        assert_int_equal(pt_threads_create(threads, &p), PT_OK);
        for (int i = 0; i < N_POOLS; i++) check_pool(i, p);
        pt_threads_destroy(&p);
    }
}

static void test_padding_never_wins_and_the_first_of_equals_does(void **state)
{
    const pt_max_pool s = {2, 2, 1, 1, 1, 3, 3, 1, 1, 1};
    const float x[4] = {-2, -1, -1, -3}, dy[1] = {5};
    float y[1], dx[4];
    uint8_t argmax[1];
    pt_threads *p = NULL;

    assert_int_equal(pt_threads_create(1, &p), PT_OK);
    pt_max_pool_forward(p, &s, 1, x, y, argmax);
    assert_true(y[0] == -1);
    assert_int_equal(argmax[0], 5); /* row 1, column 2 of the window */
    pt_max_pool_backward(p, &s, 1, dy, argmax, false, NULL, dx);
    assert_true(dx[0] == 0 && dx[1] == 5 && dx[2] == 0 && dx[3] == 0);
    pt_threads_destroy(&p);
}

static void test_a_nan_in_the_window_is_not_lost(void **state)
{
    const pt_max_pool s = {1, 3, 1, 1, 1, 1, 3, 1, 0, 0};
    const float x[3] = {1, NAN, 2};
    float y[1];
    pt_threads *p = NULL;

    assert_int_equal(pt_threads_create(1, &p), PT_OK);
    pt_max_pool_forward(p, &s, 1, x, y, NULL);
    assert_true(isnan(y[0]));
    pt_threads_destroy(&p);
}

static void test_global_average_is_that_of_pytorch(void **state)
{
    enum { N = 2, PIXELS = 35, C = 70 };
    static float x[N * PIXELS * C], y[N * C], dx[N * PIXELS * C];
    float *want = golden_load(GOLDEN, "avg_y", N * C);
    pt_threads *p = NULL;

    pattern_fill(12, N * PIXELS * C, x);
    assert_int_equal(pt_threads_create(2, &p), PT_OK);
    pt_global_avg_forward(p, N, PIXELS, C, x, y);
    assert_true(relative_distance(y, want, N * C) < 1e-6); /* theirs adds in float */
    pt_global_avg_backward(p, N, PIXELS, C, y, false, dx);
    for (int i = 0; i < N * PIXELS * C; i++)
        assert_true(dx[i] == y[i / (PIXELS * C) * C + i % C] / PIXELS);
    pt_global_avg_backward(p, N, PIXELS, C, y, true, dx);
    assert_true(dx[C] == y[0] / PIXELS + y[0] / PIXELS);
    pt_threads_destroy(&p);
    free(want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_max_pool_is_that_of_pytorch),
        cmocka_unit_test(test_padding_never_wins_and_the_first_of_equals_does),
        cmocka_unit_test(test_a_nan_in_the_window_is_not_lost),
        cmocka_unit_test(test_global_average_is_that_of_pytorch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
