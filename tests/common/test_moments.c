#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <math.h>

#include "common/base/rng.h"
#include "common/run/moments.h"
#include "common/run/shards.h"

enum { ROWS = 203, CHANNELS = 7, LEN = 1 + 2 * CHANNELS };

/* Channel k: around 10^k - 1, so that a one-pass sum of squares would lose all digits. */
static void fill(float x[ROWS * CHANNELS])
{
    pt_rng r = pt_rng_stream(1, PT_RNG_TEST, 0, 0);

    pt_rng_fill_normal(&r, x, ROWS * CHANNELS);
    for (size_t i = 0; i < ROWS * CHANNELS; i++)
        x[i] += (float)(pow(10, (double)(i % CHANNELS)) - 1);
}

/* Mean and M2 in long double. */
static void reference(const float *x, size_t rows, size_t k, long double *mean,
                      long double *m2)
{
    *mean = *m2 = 0;
    for (size_t r = 0; r < rows; r++) *mean += x[r * CHANNELS + k];
    *mean /= rows;
    for (size_t r = 0; r < rows; r++)
        *m2 += (x[r * CHANNELS + k] - *mean) * (x[r * CHANNELS + k] - *mean);
}

/* Sums of n doubles lose at most n units of 1.1e-16; these are 203 rows. A merge (merged
 * = 1) squares a difference d of means, each of them that wrong, and multiplies it with
 * n/4 at most, where n d^2 / 4 <= M2. */
static void check(const float *x, size_t rows, const double *m, int merged)
{
    assert_true(m[0] == (double)rows);
    for (size_t k = 0; k < CHANNELS; k++) {
        long double mean, m2, slack;
        reference(x, rows, k, &mean, &m2);
        slack = merged * 4e-14L * fabsl(mean) * sqrtl(rows * m2);
        assert_true(fabsl(m[1 + k] - mean) <= 2e-14 * fabsl(mean) + 1e-16);
        assert_true(fabsl(m[1 + CHANNELS + k] - m2) <= 1e-13 * m2 + slack);
    }
}

static void test_moments_are_those_of_long_double_sums(void **state)
{
    float x[ROWS * CHANNELS];
    double m[LEN];

    fill(x);
    for (size_t rows = 1; rows <= ROWS; rows++) {
        pt_moments_of(x, rows, CHANNELS, m);
        check(x, rows, m, 0);
    }
}

static void test_moments_by_hand(void **state)
{
    const float x[] = {1, -2, 3, -2, 8, -2};
    double m[5], one[5];

    pt_moments_of(x, 3, 2, m);
    assert_true(m[0] == 3 && m[1] == 4 && m[2] == -2 && m[3] == 26 && m[4] == 0);
    pt_moments_of(x, 2, 2, m);
    pt_moments_of(x + 4, 1, 2, one);
    assert_true(one[0] == 1 && one[1] == 8 && one[3] == 0);
    pt_moments_merge(m, one, 2);
    assert_true(m[0] == 3 && fabs(m[1] - 4) < 1e-15 && m[2] == -2);
    assert_true(fabs(m[3] - 26) < 1e-14 && m[4] == 0);
}

/* What a channel's sums are does not depend on how many channels stand beside it: that is
 * how the order of the rows, and only it, fixes the bits. */
static void test_rows_are_added_in_order_for_every_number_of_channels(void **state)
{
    float x[ROWS * CHANNELS], column[ROWS];
    double all[LEN], one[3], sum, m2;

    fill(x);
    for (size_t i = 0; i < ROWS * CHANNELS; i++) /* or sums of floats would be exact */
        x[i] = ldexpf(x[i], (int)(i * 7 % 61) - 30);
    for (size_t rows = 1; rows <= ROWS; rows += 1 + rows / 5) {
        pt_moments_of(x, rows, CHANNELS, all);
        for (size_t k = 0; k < CHANNELS; k++) {
            for (size_t r = 0; r < rows; r++) column[r] = x[r * CHANNELS + k];
            pt_moments_of(column, rows, 1, one);
            sum = m2 = 0;
            for (size_t r = 0; r < rows; r++) sum += column[r];
            for (size_t r = 0; r < rows; r++) {
                double d = column[r] - sum / (double)rows;
                m2 += d * d;
            }
            assert_true(all[1 + k] == sum / (double)rows && one[1] == all[1 + k]);
            assert_true(all[1 + CHANNELS + k] == m2 && one[2] == m2);
        }
    }
}

static void test_merged_parts_are_the_whole_up_to_rounding(void **state)
{
    float x[ROWS * CHANNELS];
    double a[LEN], b[LEN];

    fill(x);
    for (size_t cut = 1; cut < ROWS; cut++) {
        pt_moments_of(x, cut, CHANNELS, a);
        pt_moments_of(x + cut * CHANNELS, ROWS - cut, CHANNELS, b);
        pt_moments_merge(a, b, CHANNELS);
        check(x, ROWS, a, 1);
    }
}

static void merge(void *context, void *into, const void *from)
{
    pt_moments_merge(into, from, *(const size_t *)context);
}

/* Eight shards of `b` rows, finished from the parts of w workers, each of which merged
 * its own covers first. */
static void tree(const float *x, int b, int w, double out[LEN])
{
    static double leaf[8][LEN];
    pt_subtree parts[8 + PT_MAX_COVER];
    void *values[8 + PT_MAX_COVER], *at[8], *all;
    size_t channels = CHANNELS;
    int n = 0;

    for (int s = 0; s < 8; s++) {
        int lo = pt_shard_begin(s, 8, b), rows = pt_shard_begin(s + 1, 8, b) - lo;
        at[s] = rows ? leaf[s] : NULL;
        if (rows) pt_moments_of(x + lo * CHANNELS, (size_t)rows, CHANNELS, leaf[s]);
    }
    for (int i = 0; i < w; i++) {
        int lo, hi, m;
        pt_worker_shards(i, w, 8, &lo, &hi);
        m = pt_tree_cover(lo, hi, 8, parts + n);
        for (; m-- > 0; n++) {
            const pt_subtree *t = &parts[n];
            const pt_subtree shards[8] = {{0, 0}, {0, 1}, {0, 2}, {0, 3},
                                          {0, 4}, {0, 5}, {0, 6}, {0, 7}};
            values[n] = pt_tree_finish(1 << t->level, shards, at + (t->index << t->level),
                                       1 << t->level, merge, &channels);
        }
    }
    all = pt_tree_finish(8, parts, values, n, merge, &channels);
    memcpy(out, all, LEN * sizeof *out);
}

static void test_merging_along_the_tree_is_bit_equal_for_1_to_8_workers(void **state)
{
    float x[ROWS * CHANNELS];
    double want[LEN], got[LEN];

    fill(x);
    for (int b = 1; b <= ROWS; b += 1 + b / 3) {
        tree(x, b, 1, want);
        check(x, (size_t)b, want, 1);
        for (int w = 2; w <= 8; w++) {
            tree(x, b, w, got);
            assert_memory_equal(got, want, sizeof got);
        }
    }
}

static void test_running_statistics_take_the_unbiased_variance(void **state)
{
    const double m[] = {5, 2, -1, 8, 0.5}, single[] = {1, 2, -1, 0, 0};
    float mean[2] = {1, 0}, var[2] = {1, 3};

    pt_moments_update_running(m, 2, 0.25f, mean, var);
    assert_true(mean[0] == 1.25f && mean[1] == -0.25f);
    assert_true(var[0] == 1.25f && var[1] == 2.28125f); /* 0.75 * 3 + 0.25 * 0.125 */
    pt_moments_update_running(single, 2, 1, mean, var);
    assert_true(mean[0] == 2 && mean[1] == -1 && var[0] == 0 && var[1] == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moments_are_those_of_long_double_sums),
        cmocka_unit_test(test_moments_by_hand),
        cmocka_unit_test(test_rows_are_added_in_order_for_every_number_of_channels),
        cmocka_unit_test(test_merged_parts_are_the_whole_up_to_rounding),
        cmocka_unit_test(test_merging_along_the_tree_is_bit_equal_for_1_to_8_workers),
        cmocka_unit_test(test_running_statistics_take_the_unbiased_variance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
