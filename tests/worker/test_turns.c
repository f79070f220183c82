/* The order of a worker's pushes: six keys of two servers, 5, 3, 1 and 4, 2, 0. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "worker/turns.h"

enum { SERVERS = 2, KEYS = 6, NONE = -1 };

static pt_key list[KEYS];
static pt_keys keys = {.keys = list, .n = KEYS, .n_servers = SERVERS};
static bool trained[KEYS];
static const pt_run run = {.keys = &keys, .n_servers = SERVERS, .trained = trained};

/* All keys are pushed and trained, each a tensor of its own. */
static pt_turns *make(int window)
{
    bool pushes[KEYS];
    const int windows[SERVERS] = {window, window};
    pt_turns *t;

    for (int k = 0; k < KEYS; k++) {
        list[k] = (pt_key){.tensor = k, .count = 1, .server = 1 - k % 2};
        pushes[k] = trained[k] = true;
    }
    assert_int_equal(pt_turns_create(&run, pushes, windows, &t), PT_OK);
    pt_turns_begin(t);
    return t;
}

static void all_ready(pt_turns *t)
{
    for (int k = 0; k < KEYS; k++) pt_turns_ready(t, k);
}

static void test_keys_go_in_the_server_s_order_whatever_becomes_ready_first(void **state)
{
    pt_turns *t = make(INT_MAX);

    pt_turns_ready(t, 1);
    pt_turns_ready(t, 3);
    assert_int_equal(pt_turns_next(t, 0), NONE); /* 5 is the first */
    pt_turns_ready(t, 5);
    assert_int_equal(pt_turns_next(t, 0), 5);
    assert_int_equal(pt_turns_next(t, 0), 3);
    assert_int_equal(pt_turns_next(t, 0), 1);
    assert_int_equal(pt_turns_next(t, 0), NONE);
    assert_int_equal(pt_turns_next(t, 1), NONE);
    pt_turns_destroy(&t);
}

static void test_a_full_window_opens_when_the_oldest_key_s_weights_have_come(void **state)
{
    pt_turns *t = make(2);

    all_ready(t);
    assert_int_equal(pt_turns_next(t, 0), 5);
    assert_int_equal(pt_turns_next(t, 0), 3);
    assert_int_equal(pt_turns_next(t, 0), NONE);
    assert_int_equal(pt_turns_awaited(t, 0), 5);
    assert_int_equal(pt_turns_next(t, 1), 4); /* the other server's is its own */
    pt_turns_came(t, 0);
    assert_int_equal(pt_turns_next(t, 0), 1);
    pt_turns_destroy(&t);
}

static void test_nothing_is_awaited_where_no_key_waits(void **state)
{
    pt_turns *t = make(1);

    pt_turns_ready(t, 5);
    assert_int_equal(pt_turns_awaited(t, 0), NONE);
    assert_int_equal(pt_turns_next(t, 0), 5);
    assert_int_equal(pt_turns_awaited(t, 0), NONE); /* 3 is not ready */
    pt_turns_ready(t, 3);
    assert_int_equal(pt_turns_awaited(t, 0), 5);
    pt_turns_destroy(&t);
}

static void test_a_step_begins_with_the_keys_that_are_trained(void **state)
{
    pt_turns *t = make(1);

    all_ready(t);
    assert_int_equal(pt_turns_next(t, 0), 5);
    trained[5] = false;
    pt_turns_begin(t);
    assert_int_equal(pt_turns_next(t, 0), NONE); /* none is ready yet */
    all_ready(t);
    assert_int_equal(pt_turns_next(t, 0), 3);
    pt_turns_destroy(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_go_in_the_server_s_order_whatever_becomes_ready_first),
        cmocka_unit_test(
            test_a_full_window_opens_when_the_oldest_key_s_weights_have_come),
        cmocka_unit_test(test_nothing_is_awaited_where_no_key_waits),
        cmocka_unit_test(test_a_step_begins_with_the_keys_that_are_trained),
    };

    return cmocka_run_group_tests_name("worker.turns", tests, NULL, NULL);
}
