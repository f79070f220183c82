/* What is measured of the way to another rank. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "common/comm/link.h"
#include "tests/support/loopback.h"

enum { RANKS = 3, BYTES = 1 << 16, TRIPS = 4 };

static pt_loopback *job;
static pt_status how[RANKS];
static double seconds[RANKS];
static char got[RANKS][BYTES];
static pt_link_trip trip;

static void ring(void *context, int rank)
{
    char data[BYTES];

    memset(data, 'a' + rank, sizeof data);
    how[rank] = pt_link_transfer(pt_loopback_comm(job, rank), (rank + 1) % RANKS,
                                 (rank + RANKS - 1) % RANKS, data, got[rank], BYTES,
                                 &seconds[rank]);
}

static void test_a_ring_sends_and_receives_at_once(void **state)
{
    for (unsigned shuffle = 0; shuffle < 3; shuffle++) {
        job = pt_loopback_create(RANKS, shuffle);
        pt_loopback_run(job, ring, NULL);
        for (int r = 0; r < RANKS; r++) {
            char from = (char)('a' + (r + RANKS - 1) % RANKS);

            assert_int_equal(how[r], PT_OK);
            assert_true(got[r][0] == from && got[r][BYTES - 1] == from);
            assert_true(seconds[r] > 0);
            assert_true(pt_loopback_comm(job, r)->sent == 0);
        }
        pt_loopback_destroy(job);
    }
}

static void one_way(void *context, int rank)
{
    char data[8] = "one way";

    how[rank] = rank == 2 ? PT_OK
                          : pt_link_transfer(pt_loopback_comm(job, rank), rank ? -1 : 1,
                                             rank ? 0 : -1, data, got[rank], sizeof data,
                                             &seconds[rank]);
}

static void test_a_transfer_may_go_one_way(void **state)
{
    job = pt_loopback_create(RANKS, 0);
    pt_loopback_run(job, one_way, NULL);
    assert_true(how[0] == PT_OK && how[1] == PT_OK);
    assert_string_equal(got[1], "one way");
    pt_loopback_destroy(job);
}

static void ping(void *context, int rank)
{
    pt_comm *c = pt_loopback_comm(job, rank);

    how[rank] = rank == 0   ? pt_link_ask(c, 2, TRIPS, &trip)
                : rank == 2 ? pt_link_answer(c, 0, TRIPS)
                            : PT_OK;
}

/* Threads of one process have one clock. */
static void test_clocks_are_compared_within_half_of_a_round_trip(void **state)
{
    job = pt_loopback_create(RANKS, 0);
    pt_loopback_run(job, ping, NULL);
    assert_true(how[0] == PT_OK && how[2] == PT_OK);
    assert_true(trip.seconds > 0);
    assert_true(trip.ahead <= trip.seconds / 2 && trip.ahead >= -trip.seconds / 2);
    pt_loopback_destroy(job);
}

static void alone(void *context, int rank)
{
    pt_comm *c = pt_loopback_comm(job, rank);

    c->deadline_s = 0.2;
    if (rank == 0) how[0] = pt_link_ask(c, 1, TRIPS, &trip);
}

static void
test_a_peer_that_does_not_answer_is_waited_for_no_longer_than_the_deadline(void **state)
{
    job = pt_loopback_create(RANKS, 0);
    pt_loopback_run(job, alone, NULL);
    assert_int_equal(how[0], PT_ERR_COMM);
    pt_loopback_destroy(job);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_ring_sends_and_receives_at_once),
        cmocka_unit_test(test_a_transfer_may_go_one_way),
        cmocka_unit_test(test_clocks_are_compared_within_half_of_a_round_trip),
        cmocka_unit_test(
            test_a_peer_that_does_not_answer_is_waited_for_no_longer_than_the_deadline),
    };

    return cmocka_run_group_tests_name("common.link", tests, NULL, NULL);
}
