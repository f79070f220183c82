/* The bar of a terminal, and the record that carries what it shows. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "launch/support/pace.h"

static const pt_pace pace = {.step = 75,
                             .steps = 240,
                             .elapsed_s = 48.7,
                             .left_s = 107.2,
                             .images_per_s = 512.3,
                             .ce = 0.41234,
                             .accuracy = 0.9375,
                             .w = 0.0316};

static void expect_bar(const pt_pace *p, int columns, const char *bar)
{
    char text[PT_PACE_BAR];

    pt_pace_bar(p, columns, false, text);
    assert_string_equal(text, bar);
}

static void test_eighty_columns_have_room_for_all_that_is_asked(void **state)
{
    expect_bar(
        &pace, 80,
        " 31 % [===>         ]  0:49  1:47 left  512 img/s  ce 0.412  acc 0.938  w "
        "0.032");
    expect_bar(&pace, 130,
               " 31 % [===========>                            ]  0:49  1:47 left  512 "
               "img/s  ce 0.412  acc 0.938  w 0.032  75/240");
}

static void test_a_narrow_terminal_keeps_what_matters_most(void **state)
{
    expect_bar(&pace, 45, " 31 % [=>       ]  0:49  1:47 left  ce 0.412");
    expect_bar(&pace, 20, " 31 % [==>        ]");
    expect_bar(&pace, 10, " 31 %");
    expect_bar(&pace, 5, "");
}

static void test_no_bar_reaches_the_last_column(void **state)
{
    pt_pace p = pace;
    char text[PT_PACE_BAR];

    for (int k = 0; k < 6; k++) {
        p.elapsed_s = p.left_s = pow(10, 2 * k);
        p.ce = pow(10, 2 * k - 4);
        p.images_per_s = pow(10, k - 1);
        p.step = p.steps * (uint64_t)k / 5;
        for (int columns = 0; columns < 200; columns++) {
            pt_pace_bar(&p, columns, false, text);
            if (columns > 0) assert_true((int)strlen(text) <= columns - 1);
        }
    }
}

static void test_the_start_and_numbers_that_are_none(void **state)
{
    const pt_pace first = {.steps = 10, .left_s = NAN, .ce = NAN, .accuracy = 0};

    expect_bar(&first, 70,
               "  0 % [           ]  0:00  ? left  0.0 img/s  ce nan  acc 0.000  0/10");
}

static void test_a_record_comes_back_as_it_was(void **state)
{
    char text[PT_PACE_RECORD];
    pt_pace p, out;

    pt_pace_record(&pace, text);
    assert_int_equal(text[strlen(text) - 1], '\n');
    assert_true(pt_pace_parse(text, &out));
    assert_true(out.step == 75 && out.steps == 240 && fabs(out.left_s - 107.2) < 1e-6);
    p = pace;
    p.ce = NAN;
    pt_pace_record(&p, text);
    assert_true(pt_pace_parse(text, &out) && isnan(out.ce) && out.w > 0.03);
    assert_false(pt_pace_parse("step 75/240  epoch 1", &out));
    assert_false(pt_pace_parse("\001pace 1 2 3\n", &out));
}

static void test_what_is_asked_is_one_of_three(void **state)
{
    unsetenv(PT_PACE_VARIABLE);
    assert_int_equal(pt_pace_asked(), PT_PACE_LINES);
    for (int m = PT_PACE_LINES; m <= PT_PACE_BAR_ALONE; m++) {
        setenv(PT_PACE_VARIABLE, pt_pace_modes[m], 1);
        assert_int_equal(pt_pace_asked(), m);
    }
    setenv(PT_PACE_VARIABLE, "something", 1);
    assert_int_equal(pt_pace_asked(), PT_PACE_LINES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_eighty_columns_have_room_for_all_that_is_asked),
        cmocka_unit_test(test_a_narrow_terminal_keeps_what_matters_most),
        cmocka_unit_test(test_no_bar_reaches_the_last_column),
        cmocka_unit_test(test_the_start_and_numbers_that_are_none),
        cmocka_unit_test(test_a_record_comes_back_as_it_was),
        cmocka_unit_test(test_what_is_asked_is_one_of_three),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
