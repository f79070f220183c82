#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <math.h>

#include "common/base/pmath.h"

/* Reference: libm in long double, whose own error (2^-64) does not matter here. Points
 * come from a Weyl sequence: dense, and the same in every run. */
enum { POINTS = 1000000 };

static double weyl(int i)
{
    double x = i * 0.6180339887498949;

    return x - floor(x);
}

static uint64_t bits_of(double x)
{
    uint64_t b;

    memcpy(&b, &x, sizeof b);
    return b;
}

/* Within one unit in the last place (2.2e-16 of a value): that the functions round at
 * their last operation, and lose at most half a unit before it. */
static void test_exp_is_within_one_ulp_of_libm(void **state)
{
    double worst = 0;

    for (int i = 0; i < POINTS; i++) {
        double x = i % 2 ? -708 + 1417 * weyl(i) : -2 + 4 * weyl(i);
        long double want = expl(x);
        double error = (double)fabsl((pt_exp(x) - want) / want);
        if (error > worst) worst = error;
    }
    print_message("exp: largest relative error %.3g\n", worst);
    assert_true(worst < 2.3e-16);
}

static void test_log_is_within_one_ulp_of_libm(void **state)
{
    double worst = 0;

    for (int i = 1; i < POINTS; i++) {
        double x = i % 3 == 0   ? ldexp(1 + weyl(i), i % 2000 - 1000)
                   : i % 3 == 1 ? 0.6 + weyl(i)
                                : 1 + ldexp(weyl(i) - 0.5, -(i % 50));
        long double want = logl(x);
        double error = x == 1 ? 0 : (double)fabsl((pt_log(x) - want) / want);
        if (error > worst) worst = error;
    }
    print_message("log: largest relative error %.3g\n", worst);
    assert_true(worst < 2.3e-16);
}

static void test_sine_and_cosine_are_within_4e_16_of_libm(void **state)
{
    const long double two_pi = 6.283185307179586476925286766559L;
    double worst = 0;

    for (int i = 0; i < POINTS; i++) {
        double t = (weyl(i) - 0.5) * (i % 2 ? 2 : 0x1p21);
        long double x = two_pi * ((long double)t - rintl(t));
        double c = (double)fabsl(pt_cos_turns(t) - cosl(x));
        double s = (double)fabsl(pt_sin_turns(t) - sinl(x));
        if (c > worst) worst = c;
        if (s > worst) worst = s;
    }
    print_message("sine and cosine: largest absolute error %.3g\n", worst);
    assert_true(worst < 4e-16); /* 2 pi, the product and the last step: 1.1e-16 each */
}

static void test_special_values_of_exp(void **state)
{
    assert_true(pt_exp(0) == 1);
    assert_true(pt_exp(-0.0) == 1);
    assert_true(fabs(pt_exp(1) - M_E) <= 0x1p-51);
    assert_true(pt_exp(-745.5) == 0 && pt_exp(-INFINITY) == 0);
    assert_true(pt_exp(-745) == 0x1p-1074);
    assert_true(isinf(pt_exp(709.79)) && isinf(pt_exp(INFINITY)));
    assert_true(isfinite(pt_exp(709.78)) && pt_exp(709.78) > 1.79e308);
    assert_true(isnan(pt_exp(NAN)));
    for (double x = -745; x < -708; x += 0.01) /* subnormal: one unit of 2^-1074 */
        assert_true(fabs(pt_exp(x) - exp(x)) <= 0x1p-1074);
}

static void test_special_values_of_log(void **state)
{
    assert_true(bits_of(pt_log(1)) == bits_of(0.0));
    assert_true(pt_log(0) == -INFINITY && pt_log(-0.0) == -INFINITY);
    assert_true(isnan(pt_log(-1)) && isnan(pt_log(-INFINITY)) && isnan(pt_log(NAN)));
    assert_true(pt_log(INFINITY) == INFINITY);
    assert_true(pt_log(2) == M_LN2);
    for (int k = -1074; k < 1024; k++) {
        double want = k * M_LN2;
        assert_true(fabs(pt_log(ldexp(1, k)) - want) <= 2.3e-16 * fabs(want));
    }
}

static void test_quarter_turns_are_exact(void **state)
{
    for (int k = -9; k <= 9; k++) {
        assert_true(pt_cos_turns(k) == 1 && pt_sin_turns(k) == 0);
        assert_true(pt_cos_turns(k + 0.25) == 0 && pt_sin_turns(k + 0.25) == 1);
        assert_true(pt_cos_turns(k + 0.5) == -1 && pt_sin_turns(k + 0.5) == 0);
        assert_true(pt_cos_turns(k + 0.75) == 0 && pt_sin_turns(k + 0.75) == -1);
    }
    assert_true(pt_sin_turns(0x1p-900) == 0x1.921fb54442d18p+2 * 0x1p-900);
    assert_true(pt_cos_turns(0x1p20) == 1 && pt_cos_turns(-0x1p20) == 1);
    assert_true(isnan(pt_cos_turns(0x1.1p20)) && isnan(pt_sin_turns(-INFINITY)));
    assert_true(isnan(pt_cos_turns(NAN)) && isnan(pt_sin_turns(NAN)));
}

static uint64_t add_hash(uint64_t h, double x)
{
    return (h ^ bits_of(x)) * UINT64_C(0x100000001b3);
}

/* The file was made by another program from the same plain operations; a fused or
 * reordered one changes the hash. */
static void test_bits_are_those_of_plain_ieee_operations(void **state)
{
    uint64_t h[4] = {UINT64_C(0xcbf29ce484222325), UINT64_C(0xcbf29ce484222325),
                     UINT64_C(0xcbf29ce484222325), UINT64_C(0xcbf29ce484222325)};
    FILE *f = fopen(PT_TEST_DATA "/pmath.txt", "r");
    char line[256];

    assert_non_null(f);
    for (int i = 0; i < 100000; i++) {
        h[0] = add_hash(h[0], pt_exp((i - 51000) / 69.5));
        h[1] = add_hash(h[1], pt_log(ldexp((i + 1) / 3.0, i % 2000 - 1000)));
        h[2] = add_hash(h[2], pt_cos_turns((i - 50000) / 7777.0));
        h[3] = add_hash(h[3], pt_sin_turns((i - 50000) / 7777.0));
    }
    assert_non_null(fgets(line, sizeof line, f)); /* names the script */
    for (int j = 0; j < 4; j++) {
        assert_non_null(fgets(line, sizeof line, f));
        assert_true(strtoull(line, NULL, 16) == h[j]);
    }
    fclose(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exp_is_within_one_ulp_of_libm),
        cmocka_unit_test(test_log_is_within_one_ulp_of_libm),
        cmocka_unit_test(test_sine_and_cosine_are_within_4e_16_of_libm),
        cmocka_unit_test(test_special_values_of_exp),
        cmocka_unit_test(test_special_values_of_log),
        cmocka_unit_test(test_quarter_turns_are_exact),
        cmocka_unit_test(test_bits_are_those_of_plain_ieee_operations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
