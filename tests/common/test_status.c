#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "common/base/status.h"

static void test_faults_of_one_file_are_collected_as_lines(void **state)
{
    pt_status s = PT_OK;

    pt_fail_more(&s, PT_ERR_CONFIG, "a:%d", 1);
    pt_fail_more(&s, PT_ERR_CONFIG, "b:%d", 2);
    assert_int_equal(s, PT_ERR_CONFIG);
    assert_string_equal(pt_fail_text(), "a:1\nb:2");
    assert_int_equal(pt_fail(PT_ERR_IO, "c"), PT_ERR_IO);
    assert_string_equal(pt_fail_text(), "c");
}

static void test_exit_codes_follow_the_list(void **state)
{
    assert_int_equal(pt_status_exit_code(PT_OK), 0);
    assert_int_equal(pt_status_exit_code(PT_ERR_CONFIG), 2);
    assert_int_equal(pt_status_exit_code(PT_ERR_IO), 1);
    assert_int_equal(pt_status_exit_code(PT_STOPPED), 75);
}

static void test_memory_is_aligned_and_sizes_do_not_wrap(void **state)
{
    void *p = pt_calloc(3, 5);

    assert_non_null(p);
    assert_int_equal((uintptr_t)p % 64, 0);
    free(p);
    assert_null(pt_calloc(SIZE_MAX / 2, 4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_faults_of_one_file_are_collected_as_lines),
        cmocka_unit_test(test_exit_codes_follow_the_list),
        cmocka_unit_test(test_memory_is_aligned_and_sizes_do_not_wrap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
