#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <math.h>

#include "server/schedule.h"

static void test_constant_is_one_at_every_step(void **state)
{
    const pt_schedule s = {.kind = PT_SCHEDULE_CONSTANT};

    for (uint64_t k = 0; k < 50; k++) assert_true(pt_schedule_factor(&s, k, 50) == 1);
}

static void test_a_step_comes_at_the_first_step_not_before_its_fraction(void **state)
{
    const double at[] = {0.5, 0.75};
    const pt_schedule s = {PT_SCHEDULE_STEP, at, 2, 0.1, 0};

    for (uint64_t total = 1; total < 200; total++) {
        uint64_t half = (total + 1) / 2, three_quarters = (3 * total + 3) / 4;
        for (uint64_t k = 0; k < total; k++) {
            double want = k < half ? 1 : k < three_quarters ? 0.1 : 0.1 * 0.1;
            assert_true(pt_schedule_factor(&s, k, total) == want);
        }
    }
}

/* Among them 0.55 * 100 = 55.00000000000001 and 0.57 * 100 = 56.99999999999999. */
static void test_fractions_that_give_whole_steps_give_those_steps(void **state)
{
    for (uint64_t total = 10; total <= 100000; total *= 10) {
        for (uint64_t k = 1; k < total; k += 1 + total / 1000) {
            const double at = (double)k / (double)total;
            const pt_schedule s = {PT_SCHEDULE_STEP, &at, 1, 0.5, 0};
            assert_true(pt_schedule_factor(&s, k - 1, total) == 1);
            assert_true(pt_schedule_factor(&s, k, total) == 0.5);
        }
    }
}

static void test_two_thirds_of_180_and_320_steps_are_120_and_214(void **state)
{
    const double at = 2.0 / 3;
    const pt_schedule s = {PT_SCHEDULE_STEP, &at, 1, 0.1, 0};

    assert_true(pt_schedule_factor(&s, 119, 180) == 1);
    assert_true(pt_schedule_factor(&s, 120, 180) == 0.1);
    assert_true(pt_schedule_factor(&s, 213, 320) == 1);
    assert_true(pt_schedule_factor(&s, 214, 320) == 0.1);
}

static void test_steps_without_fractions_are_constant(void **state)
{
    const pt_schedule s = {.kind = PT_SCHEDULE_STEP, .factor = 0.1};

    assert_true(pt_schedule_factor(&s, 99, 100) == 1);
}

static void test_cosine_falls_from_one_through_a_half_to_nearly_zero(void **state)
{
    const pt_schedule s = {.kind = PT_SCHEDULE_COSINE};
    double last = 2;

    assert_true(pt_schedule_factor(&s, 0, 1) == 1);
    assert_true(pt_schedule_factor(&s, 0, 1000) == 1);
    assert_true(pt_schedule_factor(&s, 500, 1000) == 0.5);
    assert_true(pt_schedule_factor(&s, 999, 1000) > 0);
    assert_true(pt_schedule_factor(&s, 1000, 1000) == 0);
    assert_true(pt_schedule_factor(&s, 1500, 1000) == 0);
    for (uint64_t k = 0; k < 1000; k++) {
        double f = pt_schedule_factor(&s, k, 1000);
        assert_true(f < last);
        assert_true(fabs(f - 0.5 * (1 + cos(M_PI * (double)k / 1000))) < 1e-15);
        last = f;
    }
}

static void test_the_warm_up_rises_linearly_and_multiplies_the_rest(void **state)
{
    pt_schedule plain = {.kind = PT_SCHEDULE_CONSTANT}, warm = plain;

    warm.warmup_steps = 4;
    for (uint64_t k = 0; k < 4; k++)
        assert_true(pt_schedule_factor(&warm, k, 100) == (double)(k + 1) / 5);
    for (uint64_t k = 4; k < 100; k++)
        assert_true(pt_schedule_factor(&warm, k, 100) == 1);
    plain.kind = warm.kind = PT_SCHEDULE_COSINE;
    for (uint64_t k = 0; k < 100; k++) {
        double f = pt_schedule_factor(&plain, k, 100);
        assert_true(pt_schedule_factor(&warm, k, 100) ==
                    (k < 4 ? f * ((double)(k + 1) / 5) : f));
    }
}

static void test_a_warm_up_longer_than_the_run_never_overflows(void **state)
{
    const pt_schedule s = {.kind = PT_SCHEDULE_CONSTANT, .warmup_steps = UINT32_MAX};

    assert_true(pt_schedule_factor(&s, 9, 10) == 10 / 4294967296.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_constant_is_one_at_every_step),
        cmocka_unit_test(test_a_step_comes_at_the_first_step_not_before_its_fraction),
        cmocka_unit_test(test_fractions_that_give_whole_steps_give_those_steps),
        cmocka_unit_test(test_two_thirds_of_180_and_320_steps_are_120_and_214),
        cmocka_unit_test(test_steps_without_fractions_are_constant),
        cmocka_unit_test(test_cosine_falls_from_one_through_a_half_to_nearly_zero),
        cmocka_unit_test(test_the_warm_up_rises_linearly_and_multiplies_the_rest),
        cmocka_unit_test(test_a_warm_up_longer_than_the_run_never_overflows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
