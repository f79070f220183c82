#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/base/pages.h"

static void pages_are_zero_aligned_and_writable_to_the_end(void **state)
{
    const size_t sizes[] = {0,       1, 4096, (2u << 20) - 1, 2u << 20, (2u << 20) + 1,
                            50000000};

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        unsigned char *p = pt_pages_alloc(sizes[i]);

        assert_non_null(p);
        assert_int_equal((uintptr_t)p % (2u << 20), 0);
        for (size_t k = 0; k < sizes[i]; k++) assert_int_equal(p[k], 0);
        memset(p, 0xff, sizes[i]);
        pt_pages_free(p, sizes[i]);
    }
    pt_pages_free(NULL, 7);
}

static void too_much_is_refused(void **state)
{
    assert_null(pt_pages_alloc(SIZE_MAX));
    assert_null(pt_pages_alloc((size_t)1 << 60));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_are_zero_aligned_and_writable_to_the_end),
        cmocka_unit_test(too_much_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
