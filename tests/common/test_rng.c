#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <math.h>

#include "common/base/rng.h"

/* kat_vectors of Random123, philox4x32 10 rounds. */
static void test_philox_gives_the_known_answers(void **state)
{
    static const struct {
        uint32_t counter[4], key[2], out[4];
    } known[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        uint32_t out[4];
        pt_philox4x32_10(known[i].counter, known[i].key, out);
        assert_memory_equal(out, known[i].out, sizeof out);
    }
}

static FILE *golden(void)
{
    FILE *f = fopen(PT_TEST_DATA "/rng.txt", "r");
    char line[256];

    assert_non_null(f);
    for (int i = 0; i < 2; i++) assert_non_null(fgets(line, sizeof line, f));
    return f;
}

/* The file comes from tests/oracle/philox.py, which knows only the text of rng.h. */
static void test_streams_are_those_of_the_python_program(void **state)
{
    FILE *f = golden();
    unsigned long long seed, a, b;
    int purpose, n = 0;

    while (fscanf(f, "%llu %d %llu %llu", &seed, &purpose, &a, &b) == 4) {
        pt_rng r = pt_rng_stream(seed, (pt_rng_purpose)purpose, a, b);
        uint32_t words[9], want_word;
        uint32_t order[9], want_order;
        float normals[9];
        double want;

        pt_rng_fill_u32(&r, 4000000000, words, 9);
        pt_rng_fill_normal(&r, normals, 9);
        pt_rng_permutation(&r, order, 9);
        for (int i = 0; i < 9; i++) {
            assert_int_equal(fscanf(f, "%x", &want_word), 1);
            assert_int_equal(words[i], want_word);
        }
        for (uint64_t i = 0; i < 9; i++) {
            assert_int_equal(fscanf(f, "%la", &want), 1);
            assert_true(pt_rng_uniform_f32(&r, i) == want);
        }
        for (uint64_t i = 0; i < 9; i++) {
            assert_int_equal(fscanf(f, "%la", &want), 1);
            assert_true(pt_rng_uniform_f64(&r, i) == want);
        }
        for (int i = 0; i < 9; i++) { /* another libm may round one unit away */
            assert_int_equal(fscanf(f, "%la", &want), 1);
            assert_true(fabs(normals[i] - want) <= 0x1p-23 * fabs(want));
        }
        for (int i = 0; i < 9; i++) {
            assert_int_equal(fscanf(f, "%u", &want_order), 1);
            assert_int_equal(order[i], want_order);
        }
        n++;
    }
    assert_int_equal(n, 4);
    fclose(f);
}

static void test_a_fill_is_its_elements_wherever_it_starts(void **state)
{
    pt_rng r = pt_rng_stream(5, PT_RNG_TEST, 3, 9);
    uint32_t words[200];
    float uniform[200], normal[200], prefix[200];

    for (uint64_t first = 0; first < 9; first++) {
        for (size_t n = 0; n < 200; n += 1 + n / 8) {
            pt_rng_fill_u32(&r, first, words, n);
            for (size_t i = 0; i < n; i++)
                assert_int_equal(words[i], pt_rng_u32(&r, first + i));
        }
    }
    pt_rng_fill_uniform(&r, uniform, 200);
    for (uint64_t i = 0; i < 200; i++)
        assert_true(uniform[i] == pt_rng_uniform_f32(&r, i));
    pt_rng_fill_normal(&r, normal, 200);
    for (size_t n = 0; n < 200; n++) {
        pt_rng_fill_normal(&r, prefix, n);
        assert_memory_equal(prefix, normal, n * sizeof *normal);
    }
}

static void test_fills_write_nothing_beyond_their_end(void **state)
{
    pt_rng r = pt_rng_stream(5, PT_RNG_TEST, 0, 0);
    float out[4] = {7, 7, 7, 7};

    pt_rng_fill_normal(&r, out, 3);
    assert_true(out[3] == 7);
    pt_rng_fill_uniform(&r, out, 2);
    assert_true(out[3] == 7);
}

/* Any change of seed, purpose, a or b (also in its upper bits) gives other numbers. */
static void test_every_coordinate_changes_the_stream(void **state)
{
    enum { N = 1 + 64 * 3 + 6 };
    static uint32_t first[N][4];
    int n = 0;

    for (int bit = -1; bit < 64; bit++) {
        uint64_t x = bit < 0 ? 0 : UINT64_C(1) << bit;
        pt_rng r = pt_rng_stream(x, PT_RNG_TEST, 0, 0);
        pt_rng_fill_u32(&r, 0, first[n++], 4);
        if (bit < 0) continue;
        r = pt_rng_stream(0, PT_RNG_TEST, x, 0);
        pt_rng_fill_u32(&r, 0, first[n++], 4);
        r = pt_rng_stream(0, PT_RNG_TEST, 0, x);
        pt_rng_fill_u32(&r, 0, first[n++], 4);
    }
    for (int p = PT_RNG_ORDER; p < PT_RNG_TEST; p++) {
        pt_rng r = pt_rng_stream(0, (pt_rng_purpose)p, 0, 0);
        pt_rng_fill_u32(&r, 0, first[n++], 4);
    }
    assert_int_equal(n, N);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < i; j++) assert_memory_not_equal(first[i], first[j], 16);
}

/* |mean| of n numbers is below 5 sigma / sqrt(n) but for one seed in a million; the
 * numbers are fixed, so this passes always or never. Streams are short and many: the
 * numbers of one step are one element of many streams. */
static void test_uniforms_have_the_moments_and_the_distribution_of_uniforms(void **state)
{
    enum { N = 1 << 20, BINS = 256 };
    double sum = 0, squares = 0, along = 0, last = 0.5, gap = 0;
    int bins[BINS] = {0}, seen = 0;

    for (uint64_t b = 0; b < N / 16; b++) {
        pt_rng r = pt_rng_stream(11, PT_RNG_TARGET, 3, b);
        float u[16];
        pt_rng_fill_uniform(&r, u, 16);
        for (int i = 0; i < 16; i++) {
            assert_true(u[i] >= 0 && u[i] < 1);
            sum += u[i] - 0.5;
            squares += (u[i] - 0.5) * (u[i] - 0.5);
            along += (u[i] - 0.5) * (last - 0.5);
            last = u[i];
            bins[(int)(u[i] * BINS)]++;
        }
    }
    assert_true(fabs(sum / N) < 5 * sqrt(1.0 / 12 / N));
    assert_true(fabs(squares / N - 1.0 / 12) < 5 * sqrt(1.0 / 180 / N));
    assert_true(fabs(along / N) < 5 * sqrt(1.0 / 144 / N));
    for (int i = 0; i < BINS; i++) { /* Kolmogorov and Smirnov, at the bins' edges */
        seen += bins[i];
        gap = fmax(gap, fabs((double)seen / N - (i + 1.0) / BINS));
    }
    assert_true(gap < 1.95 / sqrt(N)); /* exceeded once in a thousand seeds */
}

static void test_normals_have_the_moments_and_the_distribution_of_normals(void **state)
{
    enum { N = 1 << 18, BINS = 160 };
    static float x[N];
    double m[5] = {0}, pairs = 0, gap = 0;
    int bins[BINS] = {0}, seen = 0;
    pt_rng r = pt_rng_stream(12, PT_RNG_INIT, 0, 0);

    pt_rng_fill_normal(&r, x, N);
    for (int i = 0; i < N; i++) {
        double p = 1;
        int bin = (int)floor((x[i] + 4) * BINS / 8);
        for (int k = 1; k <= 4; k++) m[k] += (p *= x[i]);
        bins[bin < 0 ? 0 : bin >= BINS ? BINS - 1 : bin]++;
        if (i % 2) pairs += (double)x[i] * x[i - 1];
    }
    assert_true(fabs(m[1] / N) < 5 * sqrt(1.0 / N));
    assert_true(fabs(m[2] / N - 1) < 5 * sqrt(2.0 / N));
    assert_true(fabs(m[3] / N) < 5 * sqrt(15.0 / N));
    assert_true(fabs(m[4] / N - 3) < 5 * sqrt(96.0 / N));
    assert_true(fabs(pairs / (N / 2)) < 5 * sqrt(2.0 / N));
    for (int i = 0; i < BINS - 1; i++) {
        double edge = (i + 1) * 8.0 / BINS - 4;
        seen += bins[i];
        gap = fmax(gap, fabs((double)seen / N - 0.5 * erfc(-edge / sqrt(2))));
    }
    assert_true(gap < 1.95 / sqrt(N));
}

static void test_below_stays_below_and_reaches_everything(void **state)
{
    pt_rng r = pt_rng_stream(13, PT_RNG_TEST, 0, 0);
    int seen[7] = {0};

    for (uint64_t i = 0; i < 7000; i++) {
        assert_true(pt_rng_below(&r, i, 1) == 0);
        assert_true(pt_rng_below(&r, i, UINT64_MAX) < UINT64_MAX);
        uint64_t k = pt_rng_below(&r, i, 7);
        assert_true(k < 7);
        seen[k]++;
    }
    for (int k = 0; k < 7; k++) assert_in_range(seen[k], 850, 1150); /* 5 sigma = 146 */
}

static void test_a_permutation_has_every_number_once(void **state)
{
    static uint32_t p[6000], q[6000];
    static unsigned char seen[6000];
    pt_rng r = pt_rng_stream(14, PT_RNG_ORDER, 0, 0);
    pt_rng next = pt_rng_stream(14, PT_RNG_ORDER, 1, 0);
    int fixed = 0, same = 0;

    pt_rng_permutation(&r, p, 0);
    pt_rng_permutation(&r, p, 1);
    assert_int_equal(p[0], 0);
    pt_rng_permutation(&r, p, 6000);
    pt_rng_permutation(&next, q, 6000);
    for (uint32_t i = 0; i < 6000; i++) {
        assert_true(p[i] < 6000 && !seen[p[i]]);
        seen[p[i]] = 1;
        fixed += p[i] == i;
        same += p[i] == q[i];
    }
    assert_in_range(fixed, 0, 8); /* Poisson(1): more than 8 once in a million seeds */
    assert_in_range(same, 0, 8);
}

static void test_all_orders_of_four_are_equally_likely(void **state)
{
    int seen[256] = {0}, kinds = 0;

    for (uint64_t epoch = 0; epoch < 24000; epoch++) {
        pt_rng r = pt_rng_stream(15, PT_RNG_ORDER, epoch, 0);
        uint32_t p[4];
        pt_rng_permutation(&r, p, 4);
        seen[p[0] | p[1] << 2 | p[2] << 4 | p[3] << 6]++;
    }
    for (int i = 0; i < 256; i++) {
        if (!seen[i]) continue;
        kinds++;
        assert_in_range(seen[i], 845, 1155); /* 1000, 5 sigma = 155 */
    }
    assert_int_equal(kinds, 24);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_philox_gives_the_known_answers),
        cmocka_unit_test(test_streams_are_those_of_the_python_program),
        cmocka_unit_test(test_a_fill_is_its_elements_wherever_it_starts),
        cmocka_unit_test(test_fills_write_nothing_beyond_their_end),
        cmocka_unit_test(test_every_coordinate_changes_the_stream),
        cmocka_unit_test(test_uniforms_have_the_moments_and_the_distribution_of_uniforms),
        cmocka_unit_test(test_normals_have_the_moments_and_the_distribution_of_normals),
        cmocka_unit_test(test_below_stays_below_and_reaches_everything),
        cmocka_unit_test(test_a_permutation_has_every_number_once),
        cmocka_unit_test(test_all_orders_of_four_are_equally_likely),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
