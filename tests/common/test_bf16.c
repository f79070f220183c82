/* bfloat16: rounding against its definition, and two bytes a value, in place too. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/bf16.h"
#include "tests/support/plain.h"

static uint32_t bits_of(float x)
{
    uint32_t u;

    memcpy(&u, &x, sizeof u);
    return u;
}

static float float_of(uint32_t u)
{
    float x;

    memcpy(&x, &u, sizeof x);
    return x;
}

static void check(const float *in, size_t n)
{
    float *got = malloc(n * sizeof *got);

    memcpy(got, in, n * sizeof *got);
    pt_bf16_round(got, n);
    for (size_t i = 0; i < n; i++)
        if (bits_of(got[i]) != bits_of(plain_bf16(in[i])))
            fail_msg("%a is rounded to %a, not %a", (double)in[i], (double)got[i],
                     (double)plain_bf16(in[i]));
    free(got);
}

/* Each upper half with lower halves around the tie: all signs, exponents, denormals. */
static void test_every_upper_half_is_rounded_by_the_definition(void **state)
{
    static const uint32_t lower[] = {0, 1, 0x7fff, 0x8000, 0x8001, 0xffff};
    enum { N = sizeof lower / sizeof *lower };
    float *x = malloc(65536 * N * sizeof *x);
    size_t n = 0;

    for (uint32_t upper = 0; upper < 65536; upper++)
        for (int i = 0; i < N; i++) {
            float v = float_of(upper << 16 | lower[i]);

            if (!isnan(v)) x[n++] = v;
        }
    assert_true(n > 60000 * N);
    check(x, n);
    free(x);
}

static void test_a_value_beyond_the_largest_becomes_infinite(void **state)
{
    float x[] = {float_of(0x7f7fffff), float_of(0xff7fffff), float_of(0x7f7f7fff)};

    pt_bf16_round(x, 3);
    assert_true(isinf(x[0]) && x[0] > 0);
    assert_true(isinf(x[1]) && x[1] < 0);
    assert_int_equal(bits_of(x[2]), 0x7f7f0000);
}

static void test_a_nan_stays_one_whatever_its_bits(void **state)
{
    float x[] = {float_of(0x7f800001), float_of(0x7fffffff), float_of(0xffffffff),
                 float_of(0xff808000)};

    pt_bf16_round(x, 4);
    for (int i = 0; i < 4; i++) {
        assert_true(isnan(x[i]));
        assert_int_equal(bits_of(x[i]) & 0xffff, 0);
    }
}

static void test_a_sum_is_rounded_once(void **state)
{
    enum { N = 1000 };
    float a[N], b[N], want[N];

    for (int i = 0; i < N; i++) {
        a[i] = plain_bf16((float)(i * 37 % 101) * 0.37f - 11);
        b[i] = plain_bf16((float)(i * 53 % 97) * 0.0113f);
        want[i] = plain_bf16(a[i] + b[i]);
    }
    pt_bf16_add(a, b, N);
    assert_memory_equal(a, want, sizeof want);
}

static void test_packed_in_place_and_back_every_value_is_itself(void **state)
{
    static const size_t lengths[] = {1, 2, 3, 63, 64, 65, 127, 128, 1000};
    float x[1000], want[1000];

    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
        size_t n = lengths[l];

        for (size_t i = 0; i < n; i++) want[i] = x[i] = plain_bf16((float)i * 0.731f - 5);
        pt_bf16_pack(x, n, (uint16_t *)(void *)x);
        memmove((char *)x + n * 2, x, n * 2);
        pt_bf16_unpack((uint16_t *)(void *)x + n, n, x);
        assert_memory_equal(x, want, n * sizeof *x);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_upper_half_is_rounded_by_the_definition),
        cmocka_unit_test(test_a_value_beyond_the_largest_becomes_infinite),
        cmocka_unit_test(test_a_nan_stays_one_whatever_its_bits),
        cmocka_unit_test(test_a_sum_is_rounded_once),
        cmocka_unit_test(test_packed_in_place_and_back_every_value_is_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
