/* The table of methods against the schema: its keys are there, and nothing is on where
 * nothing is given. (worker.method_pairs: which go together; worker.methods: what they
 * do.) */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/config/methods.h"

static pt_config *defaults(void)
{
    pt_config *c = NULL;

    assert_int_equal(pt_config_unpack(NULL, 0, &c), PT_OK);
    return c;
}

static void mark(void *context, const char *path, const char *value)
{
    bool *seen = context;

    for (int m = 0; m < PT_N_METHODS; m++)
        seen[m] = seen[m] || strcmp(path, pt_methods[m].key) == 0;
}

static void test_the_key_of_every_method_is_in_the_schema(void **state)
{
    pt_config *c = defaults();
    bool seen[PT_N_METHODS] = {false};

    assert_int_equal(pt_config_each(c, PT_CONFIG_PLAIN, mark, seen), PT_OK);
    for (int m = 0; m < PT_N_METHODS; m++)
        if (!seen[m]) fail_msg("%s: no key %s", pt_methods[m].name, pt_methods[m].key);
    pt_config_destroy(&c);
}

static void test_no_method_is_on_where_none_is_asked_for(void **state)
{
    pt_config *c = defaults();
    char *title = pt_methods_title(c);

    for (int m = 0; m < PT_N_METHODS; m++) assert_false(pt_methods[m].is_on(c));
    assert_int_equal(pt_methods_ask(c), 0);
    assert_int_equal(pt_methods_first(c, ~0U), PT_N_METHODS);
    assert_string_equal(title, "");
    free(title);
    pt_config_destroy(&c);
}

/* With PtR first, whatever the order of the keys. */
static void test_a_title_names_the_methods_in_the_order_of_the_table(void **state)
{
    pt_config *c = defaults();
    char *title;

    c->regularizers->bss->weight = 1;
    c->regularizers->adarand->weight = 1;
    c->pseudo_task->loss = PT__CONFIG__REG_LOSS__L2;
    title = pt_methods_title(c);
    assert_string_equal(title, "PtR-L2 + AdaRand + BSS");
    assert_int_equal(pt_methods_first(c, PT_SENDS_REP), PT_METHOD_ADARAND);
    free(title);
    pt_config_destroy(&c);
}

static void test_methods_differ_in_name_and_key(void **state)
{
    for (int a = 0; a < PT_N_METHODS; a++)
        for (int b = 0; b < a; b++) {
            assert_string_not_equal(pt_methods[a].name, pt_methods[b].name);
            assert_string_not_equal(pt_methods[a].key, pt_methods[b].key);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_key_of_every_method_is_in_the_schema),
        cmocka_unit_test(test_no_method_is_on_where_none_is_asked_for),
        cmocka_unit_test(test_a_title_names_the_methods_in_the_order_of_the_table),
        cmocka_unit_test(test_methods_differ_in_name_and_key),
    };

    return cmocka_run_group_tests_name("common.methods", tests, NULL, NULL);
}
