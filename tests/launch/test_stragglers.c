/* The table of whom the others waited for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "launch/train/stragglers.h"
#include "tests/launch/captured.h"

enum { WORKERS = 3, SERVERS = 2 };

static pt_times t;

static const char *host(int rank)
{
    return rank == 4 ? "far" : "near";
}

static int set_up(void **state)
{
    return pt_times_init(&t, WORKERS) == PT_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    pt_times_fini(&t);
    return 0;
}

/* A step of 10 s, in which the last worker computes for `last` and the others wait. */
static void one_step(double last)
{
    double times[WORKERS][PT_PAYLOAD_TIMES] = {{0}};

    for (int w = 0; w < WORKERS; w++) {
        times[w][PT_TIME_COMPUTE] = w == WORKERS - 1 ? last : 5;
        times[w][PT_TIME_RECORD] = 10 - times[w][PT_TIME_COMPUTE];
    }
    pt_times_add(&t, times[0]);
}

static captured said;

static int say(int argc, char **argv)
{
    pt_stragglers_say(&t, SERVERS, host);
    return 0;
}

static void test_the_one_that_was_waited_for_is_first_with_its_host(void **state)
{
    one_step(9);
    capture(say, "say", &said);
    assert_non_null(strstr(said.out, "workers waited for slower ones 27 % of the time"));
    assert_non_null(strstr(said.out, "score  host\n     4         8.0        9.0"));
    assert_non_null(strstr(said.out, "0.56  far\n     2         0.0        5.0"));
}

static void test_workers_that_keep_up_need_no_table(void **state)
{
    one_step(5.5);
    capture(say, "say", &said);
    assert_string_equal(said.out, "");
}

static void test_the_result_has_every_rank_servers_too(void **state)
{
    double servers[SERVERS] = {0.5, 1.5};
    pt_server_costs costs[SERVERS] = {{0}, {2, 3, 4, .sent = 5, .received = 6000000000}};
    const pt_waits waits = {.n_servers = SERVERS, .servers = servers, .costs = costs};
    const char *role, *where;
    double seconds, sums, update, messages;
    json_int_t sent, received;
    json_t *all;

    one_step(9);
    all = pt_stragglers_json(&t, &waits, host);
    assert_int_equal(json_array_size(all), SERVERS + WORKERS);
    for (size_t r = 0; r < SERVERS + WORKERS; r++) {
        assert_int_equal(json_unpack(json_array_get(all, r), "{s:s, s:s, s:f}", "role",
                                     &role, "host", &where, "waited_for_s", &seconds),
                         0);
        assert_string_equal(role, r < SERVERS ? "server" : "worker");
        assert_string_equal(where, r == 4 ? "far" : "near");
        assert_true(seconds == (r < SERVERS ? servers[r] : r == 4 ? 8 : 0));
    }
    assert_int_equal(json_unpack(json_array_get(all, 1), "{s:f, s:f, s:f, s:I, s:I}",
                                 "sums_s", &sums, "update_s", &update, "messages_s",
                                 &messages, "sent_bytes", &sent, "received_bytes",
                                 &received),
                     0);
    assert_true(sums == 2 && update == 3 && messages == 4);
    assert_true(sent == 5 && received == 6000000000);
    json_decref(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_the_one_that_was_waited_for_is_first_with_its_host, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_workers_that_keep_up_need_no_table, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_the_result_has_every_rank_servers_too,
                                        set_up, tear_down),
    };

    return cmocka_run_group_tests_name("launch.stragglers", tests, NULL, NULL);
}
