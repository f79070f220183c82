/* Sizes that do not fit are SIZE_MAX, whatever is done to them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/base/sizes.h"

static void test_products_and_sums_that_do_not_fit_are_the_largest(void **state)
{
    assert_int_equal(pt_mul(SIZE_MAX / 4, 4), SIZE_MAX - 3);
    assert_int_equal(pt_mul(SIZE_MAX / 4 + 1, 4), SIZE_MAX);
    assert_int_equal(pt_add_sizes(SIZE_MAX - 1, 1), SIZE_MAX);
    assert_int_equal(pt_add_sizes(SIZE_MAX, 1), SIZE_MAX);
    assert_int_equal(pt_mul(pt_add_sizes(SIZE_MAX, 7), 2), SIZE_MAX);
}

static void test_sizes_are_rounded_up_to_whole_parts(void **state)
{
    assert_int_equal(pt_round_up(0, 12), 0);
    assert_int_equal(pt_round_up(12, 12), 12);
    assert_int_equal(pt_round_up(13, 12), 24);
    assert_int_equal(pt_round_up(SIZE_MAX, 64), SIZE_MAX);
    assert_int_equal(pt_whole_lines(17), 32);
    assert_int_equal(pt_parts(0, 5), 0);
    assert_int_equal(pt_parts(10, 5), 2);
    assert_int_equal(pt_parts(11, 5), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_products_and_sums_that_do_not_fit_are_the_largest),
        cmocka_unit_test(test_sizes_are_rounded_up_to_whole_parts),
    };

    return cmocka_run_group_tests_name("common.sizes", tests, NULL, NULL);
}
