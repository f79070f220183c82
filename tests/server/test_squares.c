#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <float.h>
#include <math.h>

#include "common/base/rng.h"
#include "server/squares.h"

enum { N = 1003 };

static float x[N];

static int set_up(void **state)
{
    pt_rng r = pt_rng_stream(4, PT_RNG_TEST, 0, 0);

    pt_rng_fill_normal(&r, x, N);
    return 0;
}

/* 32 chains, joined in halves; then the rest one by one. */
static double plain(const float *v, size_t n)
{
    volatile double sum[32] = {0}, rest = 0;
    size_t whole = n - n % 32;

    for (size_t i = 0; i < whole; i++) sum[i % 32] += (double)v[i] * v[i];
    for (size_t i = whole; i < n; i++) rest += (double)v[i] * v[i];
    for (int l = 0; l < 8; l++)
        sum[l] = (sum[l] + sum[16 + l]) + (sum[8 + l] + sum[24 + l]);
    for (int l = 4; l > 0; l /= 2)
        for (int k = 0; k < l; k++) sum[k] += sum[k + l];
    return sum[0] + rest;
}

static void test_the_order_is_that_of_a_plain_loop_whatever_the_vectors(void **state)
{
    for (size_t n = 0; n <= N; n++) assert_true(pt_squares_of(x, n) == plain(x, n));
    assert_true(pt_squares_of(x + 1, N - 1) == plain(x + 1, N - 1)); /* not aligned */
}

static void test_squares_have_no_rounding_of_float(void **state)
{
    const float v[] = {FLT_MAX, FLT_MIN, 3};

    assert_true(pt_squares_of(v, 1) == (double)FLT_MAX * FLT_MAX);
    assert_true(pt_squares_of(v + 1, 1) == (double)FLT_MIN * FLT_MIN);
    assert_true(pt_squares_of(v + 2, 1) == 9);
}

static void test_what_is_not_finite_is_told_wherever_it_is(void **state)
{
    const float bad[] = {NAN, -NAN, INFINITY, -INFINITY};

    for (size_t i = 0; i < 4 * 67; i++) {
        float was = x[i % 67];

        x[i % 67] = bad[i / 67];
        assert_false(isfinite(pt_squares_of(x, 67)));
        x[i % 67] = was;
    }
    assert_true(isfinite(pt_squares_of(x, N)));
}

static void test_sums_are_added_along_a_tree(void **state)
{
    const double big = 0x1p60, sums[] = {big, 1, 1, 1, 60};

    assert_true(pt_squares_add(sums, 0) == 0);
    assert_true(pt_squares_add(sums, 1) == big);
    assert_true(pt_squares_add(sums, 5) == (big + 1) + (1 + (1.0 + 60)));
}

static void test_the_factor_is_that_of_clip_grad_norm(void **state)
{
    assert_true(pt_squares_clip(10, 1) == (float)(1 / (10 + 1e-6)));
    assert_true(pt_squares_clip(1, 1) == (float)(1 / (1 + 1e-6)));
    assert_true(pt_squares_clip(0.5, 1) == 1);
    assert_true(pt_squares_clip(0, 1) == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_order_is_that_of_a_plain_loop_whatever_the_vectors),
        cmocka_unit_test(test_squares_have_no_rounding_of_float),
        cmocka_unit_test(test_what_is_not_finite_is_told_wherever_it_is),
        cmocka_unit_test(test_sums_are_added_along_a_tree),
        cmocka_unit_test(test_the_factor_is_that_of_clip_grad_norm),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
