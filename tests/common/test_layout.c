/* The layout of a job as a pure function of the hosts of its ranks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/run/layout.h"

enum { MAX = 12 };
static const Pt__Config__Placement spread = PT__CONFIG__PLACEMENT__SPREAD,
                                   first = PT__CONFIG__PLACEMENT__FIRST;

static void expect_order(Pt__Config__Placement placement, int servers, const int *host,
                         int n, const int *want)
{
    int order[MAX];

    assert_int_equal(pt_layout_order(placement, servers, host, n, order), PT_OK);
    for (int r = 0; r < n; r++)
        if (order[r] != want[r]) fail_msg("rank %d is %d, not %d", r, order[r], want[r]);
}

static int servers(unsigned ranks, Pt__Config__Placement placement, const int *host,
                   int n)
{
    Pt__Config__Server c = {.ranks = ranks, .placement = placement};

    return pt_layout_servers(&c, host, n);
}

static void test_on_one_host_nobody_moves(void **state)
{
    const int host[MAX] = {0}, want[MAX] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};

    for (int s = 1; s < MAX; s++) {
        expect_order(spread, s, host, MAX, want);
        expect_order(first, s, host, MAX, want);
    }
}

static void test_first_keeps_ranks_that_are_mapped_by_slot(void **state)
{
    const int host[] = {0, 0, 0, 1, 1, 2}, want[] = {0, 1, 2, 3, 4, 5};

    for (int s = 1; s < 6; s++) expect_order(first, s, host, 6, want);
}

static void test_spread_puts_one_on_each_host_beside_its_workers(void **state)
{
    const int host[] = {0, 0, 0, 1, 1, 1, 2, 2, 2};

    expect_order(spread, 3, host, 9, (int[]){0, 3, 6, 1, 2, 4, 5, 7, 8});
    expect_order(spread, 2, host, 9, (int[]){0, 3, 1, 2, 4, 5, 6, 7, 8});
    expect_order(spread, 5, host, 9, (int[]){0, 3, 6, 1, 4, 2, 5, 7, 8}); /* go round */
}

static void test_workers_of_a_host_are_neighbours_however_ranks_are_mapped(void **state)
{
    const int by_node[] = {0, 1, 2, 0, 1, 2, 0};

    expect_order(first, 1, by_node, 7, (int[]){0, 3, 6, 1, 4, 2, 5});
    expect_order(first, 4, by_node, 7, (int[]){0, 3, 6, 1, 4, 2, 5});
    expect_order(spread, 2, by_node, 7, (int[]){0, 1, 3, 6, 4, 2, 5});
}

static void test_auto_is_one_server_on_each_host_that_has_room_beside_it(void **state)
{
    const int two[] = {0, 0, 1, 1}, lonely[] = {0, 0, 0, 1}, one[] = {0, 0, 0, 0};

    assert_int_equal(servers(0, spread, two, 4), 2);
    assert_int_equal(servers(0, spread, lonely, 4), 1);
    assert_int_equal(servers(0, spread, one, 4), 1);
    assert_int_equal(servers(0, first, two, 4), 1);
    assert_int_equal(servers(3, spread, one, 4), 3);
    assert_int_equal(servers(3, first, two, 4), 3);
}

static void test_a_host_with_too_few_ranks_for_its_servers_is_found(void **state)
{
    const int host[] = {0, 0, 0, 0, 1, 2, 2};
    int here = 0;

    assert_int_equal(pt_layout_crowded(3, host, 7, &here), -1);
    assert_int_equal(pt_layout_crowded(4, host, 7, &here), -1);
    assert_int_equal(pt_layout_crowded(5, host, 7, &here), 1);
    assert_int_equal(here, 2);
}

static void test_more_workers_than_shards_hear_which_shards_to_set(void **state)
{
    char text[96];

    assert_null(*state);
    pt_layout_advise(12, 8, text, sizeof text);
    assert_string_equal(text, "use at most 8 workers, or set shards: 16 (other shards "
                              "give other weights)");
    pt_layout_advise(16, 8, text, sizeof text);
    assert_string_equal(text, "use at most 8 workers, or set shards: 16 (other shards "
                              "give other weights)");
    pt_layout_advise(1024, 1, text, sizeof text);
    assert_string_equal(text, "use at most 1 worker, or set shards: 1024 (other shards "
                              "give other weights)");
    pt_layout_advise(1025, 1024, text, sizeof text);
    assert_string_equal(text, "use at most 1024 workers");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_on_one_host_nobody_moves),
        cmocka_unit_test(test_more_workers_than_shards_hear_which_shards_to_set),
        cmocka_unit_test(test_first_keeps_ranks_that_are_mapped_by_slot),
        cmocka_unit_test(test_spread_puts_one_on_each_host_beside_its_workers),
        cmocka_unit_test(test_workers_of_a_host_are_neighbours_however_ranks_are_mapped),
        cmocka_unit_test(test_auto_is_one_server_on_each_host_that_has_room_beside_it),
        cmocka_unit_test(test_a_host_with_too_few_ranks_for_its_servers_is_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
