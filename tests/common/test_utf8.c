#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "common/base/utf8.h"

static const struct {
    const char *text;
    int fault; /* of a name */
    const char *escaped;
    bool utf8;
} cases[] = {{"", -1, "", true},
             {"plain name", -1, "plain name", true},
             {"b\xc3\xa4r \xe2\x82\xac \xf0\x9f\x90\xbb", -1,
              "b\xc3\xa4r \xe2\x82\xac \xf0\x9f\x90\xbb", true},
             {"b\xe4r", 1, "b\\xe4r", false},                        /* Latin-1 */
             {"a\xc3", 1, "a\\xc3", false},                          /* cut short */
             {"\xc0\xaf", 0, "\\xc0\\xaf", false},                   /* too long */
             {"\xe0\x9f\xbf", 0, "\\xe0\\x9f\\xbf", false},          /* too long */
             {"\xed\xa0\x80", 0, "\\xed\\xa0\\x80", false},          /* a surrogate */
             {"\xf4\x90\x80\x80", 0, "\\xf4\\x90\\x80\\x80", false}, /* above the last */
             {"new\nline", 3, "new\\x0aline", true},
             {"tab\t", 3, "tab\\x09", true},
             {"\x7f", 0, "\\x7f", true}};

static void test_names_are_utf8_without_control_characters(void **state)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(pt_utf8_name_fault(cases[i].text), cases[i].fault);
        assert_int_equal(pt_utf8_is(cases[i].text), cases[i].utf8);
    }
}

static void test_what_no_name_has_is_shown_as_bytes(void **state)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = pt_utf8_escape(cases[i].text);

        assert_non_null(text);
        assert_string_equal(text, cases[i].escaped);
        assert_int_equal(pt_utf8_name_fault(text), -1);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_utf8_without_control_characters),
        cmocka_unit_test(test_what_no_name_has_is_shown_as_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
