/* The pulse among ranks that live in one thread: the loopback carries its messages, and
 * the linker replaces pt_clock by the test's clock (--wrap), so that deadlines
 * of minutes pass at once and no noise of the machine shows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/comm/pulse.h"
#include "common/comm/watchdog.h"
#include "tests/support/loopback.h"

/* A rank is late DEADLINE + INTERVAL (a tenth of it, at most 5 s) + its stagger after
 * the last sign of life; GRAIN more, since it looks every other second. */
enum { RANKS = 4, DEADLINE = 300, INTERVAL = 5, GRAIN = 2, ALL = (1 << RANKS) - 1 };

static struct {
    pt_loopback *loopback;
    pt_pulse *pulse[RANKS];
    pt_request owed[RANKS][2]; /* what each rank waits for */
    size_t n_owed[RANKS];
    double now;
} job;

double __wrap_pt_clock(void);

double __wrap_pt_clock(void)
{
    return job.now;
}

static int start(void **state)
{
    memset(&job, 0, sizeof job);
    job.now = 1000;
    job.loopback = pt_loopback_create(RANKS, 0);
    for (int i = 0; i < RANKS; i++) {
        pt_comm *c = pt_loopback_comm(job.loopback, i);
        char *hosts = calloc(RANKS, PT_PULSE_HOST_BYTES);

        for (int k = 0; k < RANKS && hosts; k++)
            hosts[k * PT_PULSE_HOST_BYTES] = (char)('a' + k);
        c->deadline_s = DEADLINE;
        if (!hosts || pt_pulse_create(c, &job.pulse[i]) != PT_OK) return -1;
        pt_pulse_set_hosts(job.pulse[i], hosts);
    }
    return 0;
}

static void leave(void *context, int rank)
{
    pt_pulse_end(job.pulse[rank]);
}

static int end(void **state)
{
    pt_loopback_run(job.loopback, leave, NULL);
    for (int i = 0; i < RANKS; i++) pt_pulse_destroy(&job.pulse[i]);
    pt_loopback_destroy(job.loopback);
    return 0;
}

static void serve(int rank)
{
    pt_pulse_serve(job.pulse[rank], job.owed[rank], job.n_owed[rank]);
}

/* So many seconds, in which the ranks of `alive` (bits) serve, and those of `at_work`
 * make progress. */
static void pass(int seconds, unsigned alive, unsigned at_work)
{
    for (int t = 0; t < seconds; t++) {
        job.now++;
        for (int i = 0; i < RANKS; i++) {
            if (at_work >> i & 1) pt_pulse_progress(job.pulse[i]);
            if (alive >> i & 1) serve(i);
        }
    }
}

/* `rank` waits for a message of `peer`. */
static void waits(int rank, int peer, pt_msg_kind kind, int index)
{
    job.owed[rank][job.n_owed[rank]++] = (pt_request){
        .active = true, .receive = true, .kind = kind, .peer = peer, .index = index};
}

static bool late(int rank)
{
    return pt_pulse_late(job.pulse[rank]);
}

static void assert_text(int rank, const char *text)
{
    assert_int_equal(pt_pulse_fail(job.pulse[rank], job.owed[rank], job.n_owed[rank]),
                     PT_ERR_COMM);
    assert_string_equal(pt_fail_text(), text);
}

/* ---- who is late, and when -------------------------------------------------------- */

static void test_ranks_that_work_are_never_late(void **state)
{
    pass(3 * DEADLINE, ALL, ALL);
    for (int i = 0; i < RANKS; i++) assert_false(late(i));
}

static void test_a_slow_rank_that_polls_keeps_all_in_time(void **state)
{
    waits(0, 2, PT_MSG_PAYLOAD, 0);
    waits(3, 0, PT_MSG_RECORD, 0);
    pass(3 * DEADLINE, ALL, 1 << 2); /* it computes, the others wait */
    for (int i = 0; i < RANKS; i++) assert_false(late(i));
}

static void test_a_silent_rank_makes_rank_0_late_at_the_deadline(void **state)
{
    pass(DEADLINE + INTERVAL, ALL ^ 1 << 2, ALL ^ 1 << 2);
    assert_false(late(0));
    pass(GRAIN, ALL ^ 1 << 2, ALL ^ 1 << 2);
    assert_true(late(0));
    assert_false(late(1)); /* rank 0 speaks first */
    assert_false(late(3)); /* it does not hear rank 2 */
    pass(5, ALL ^ 1 << 2, ALL ^ 1 << 2);
    assert_true(late(1));
}

static void test_a_silent_rank_0_makes_rank_1_late_and_then_the_others(void **state)
{
    pass(DEADLINE + INTERVAL + 5, ALL ^ 1, ALL ^ 1);
    assert_false(late(1));
    pass(GRAIN, ALL ^ 1, ALL ^ 1);
    assert_true(late(1));
    assert_false(late(2));
    pass(5, ALL ^ 1, ALL ^ 1);
    assert_true(late(2));
    assert_true(late(3));
}

static void test_all_are_late_where_nobody_gets_on_rank_0_first(void **state)
{
    int at[RANKS] = {0};

    pass(1, ALL, ALL);
    for (int t = 1; t < 2 * DEADLINE; t++) {
        pass(1, ALL, 0);
        for (int i = 0; i < RANKS; i++)
            if (at[i] == 0 && late(i)) at[i] = t;
    }
    assert_in_range(at[0], DEADLINE, DEADLINE + 3 * INTERVAL + GRAIN); /* news travel */
    assert_in_range(at[1], at[0] + 1, at[0] + 3 * INTERVAL);
    for (int i = 2; i < RANKS; i++)
        assert_in_range(at[i], at[1] + 1, at[1] + 3 * INTERVAL);
}

static void test_time_in_which_a_rank_did_not_look_does_not_count(void **state)
{
    pass(DEADLINE - 1, 1, 1);
    job.now += DEADLINE; /* rank 0 was stopped, and continued */
    serve(0);
    assert_false(late(0));
    pass(DEADLINE + INTERVAL, 1, 1);
    assert_false(late(0));
    pass(GRAIN, 1, 1);
    assert_true(late(0));
}

static void test_a_new_deadline_counts_from_now(void **state)
{
    pass(DEADLINE - 1, 1, 1);
    pt_loopback_comm(job.loopback, 0)->deadline_s = 20;
    pass(20 + INTERVAL - 3, 1, 1); /* the interval becomes 2 s */
    assert_false(late(0));
    pass(GRAIN, 1, 1);
    assert_true(late(0));
}

/* The start has minutes, and looks seldom; the run's own deadline may be shorter than
 * such a look is far. */
static void test_a_much_shorter_deadline_is_followed_at_once(void **state)
{
    pass(2, ALL, ALL);
    pass(2, ALL & ~1u, ALL); /* rank 0 looks at other times than the others */
    for (int i = 0; i < RANKS; i++) pt_loopback_comm(job.loopback, i)->deadline_s = 0.5;
    for (int t = 0; t < 30; t++) {
        job.now += 0.1;
        for (int i = 0; i < RANKS; i++) {
            pt_pulse_progress(job.pulse[i]);
            serve(i);
            assert_false(late(i));
        }
    }
}

/* Of a rank whose waits all end at their first looks, nothing else tells that it lives.
 */
static void test_a_rank_whose_waits_are_short_is_not_silent(void **state)
{
    pt_comm *to = pt_loopback_comm(job.loopback, 0),
            *from = pt_loopback_comm(job.loopback, 2);
    pt_request in = {0}, out = {0};
    char byte = 1, got;

    to->pulse = job.pulse[0];
    for (int t = 0; t < 2 * DEADLINE; t++) {
        assert_int_equal(pt_comm_send(from, 0, PT_MSG_PUSH, 0, &byte, 1, &out), PT_OK);
        assert_int_equal(pt_comm_recv(to, 2, PT_MSG_PUSH, 0, &got, 1, &in), PT_OK);
        assert_int_equal(pt_comm_wait(to, &in, 1), PT_OK);
        assert_int_equal(pt_comm_wait(from, &out, 1), PT_OK);
        pass(1, ALL ^ 1, ALL ^ 1);
        for (int i = 0; i < RANKS; i++) assert_false(late(i));
    }
}

static void test_a_rank_that_left_is_not_late(void **state)
{
    pt_loopback_comm(job.loopback, 3)->deadline_s = 0.05;
    job.now += INTERVAL;
    serve(3);
    pt_pulse_end(job.pulse[3]); /* says so, and does not wait for the others */
    pass(2 * DEADLINE, ALL ^ 1 << 3, ALL ^ 1 << 3);
    assert_false(late(0));
}

/* ---- the debtor ------------------------------------------------------------------- */

static void test_a_silent_rank_is_named_with_what_it_owes(void **state)
{
    waits(0, 1, PT_MSG_PUSH, 3 * PT_MSG_COVERS);
    waits(0, 2, PT_MSG_PUSH, 17 * PT_MSG_COVERS + 1);
    pass(DEADLINE + INTERVAL + GRAIN, ALL ^ 1 << 2, 0);
    assert_true(late(0));
    assert_text(0, "rank 2 (host c) has owed gradients of key 17 for 306 s");
}

/* Ranks 1 and 3 do not send either, but only because they wait themselves. */
static void test_the_debtor_is_the_rank_that_does_not_wait(void **state)
{
    waits(0, 3, PT_MSG_PAYLOAD, 0);
    waits(0, 2, PT_MSG_PAYLOAD, 0);
    waits(1, 2, PT_MSG_MOMENTS, 8);
    waits(3, 2, PT_MSG_MOMENTS, 8);
    pass(DEADLINE + 2 * INTERVAL, ALL, 0);
    assert_true(late(0));
    assert_text(0, "rank 2 (host c) has owed the step's norms for 310 s");
}

static void test_where_all_wait_the_first_that_owes_is_named(void **state)
{
    waits(0, 3, PT_MSG_PAYLOAD, 0);
    waits(0, 2, PT_MSG_PAYLOAD, 0);
    waits(2, 0, PT_MSG_RECORD, 0);
    waits(3, 2, PT_MSG_MOMENTS, 8);
    pass(DEADLINE + 2 * INTERVAL, ALL, 0);
    assert_true(late(0));
    assert_text(0, "rank 3 (host d) has owed the step's norms for 310 s");
}

static void test_a_debt_to_another_rank_is_told(void **state)
{
    waits(2, 0, PT_MSG_RECORD, 0);
    pass(2 * INTERVAL, ALL, 0);
    pass(DEADLINE + INTERVAL + 5 + GRAIN, ALL ^ 1, 0);
    assert_true(late(1));
    assert_text(1, "rank 0 (host a) has owed rank 2 the step record for 314 s");
}

static void test_a_message_that_is_not_taken_is_told(void **state)
{
    waits(0, 2, PT_MSG_PULL, 3);
    job.owed[0][0].receive = false;
    pass(DEADLINE + INTERVAL + GRAIN, ALL ^ 1 << 2, 0);
    assert_text(0, "rank 2 (host c) has not accepted weights of key 3 for 306 s");
}

static void test_where_nothing_is_owed_nobody_is_named(void **state)
{
    pass(DEADLINE + 2 * INTERVAL, ALL, 0);
    assert_true(late(0));
    assert_text(0, "no rank has made progress for 310 s");
}

/* ---- one line --------------------------------------------------------------------- */

static void test_where_a_rank_spoke_the_others_end_with_its_code(void **state)
{
    pass(1, ALL, ALL);
    pt_pulse_announce(job.pulse[1], 75);
    assert_int_equal(pt_pulse_code(job.pulse[2], 1), 1); /* not heard yet */
    pass(INTERVAL, ALL ^ 1 << 1, ALL);
    for (int i = 0; i < RANKS; i++) {
        if (i == 1) continue;
        assert_true(late(i));
        assert_int_equal(pt_pulse_code(job.pulse[i], 1), 75);
        assert_text(i, "another rank has reported the error");
        assert_false(pt_watchdog_claim_line());
    }
    assert_int_equal(pt_pulse_code(job.pulse[1], 1), 1);
    assert_int_equal(pt_pulse_code(NULL, 2), 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_ranks_that_work_are_never_late),
        TEST(test_a_slow_rank_that_polls_keeps_all_in_time),
        TEST(test_a_silent_rank_makes_rank_0_late_at_the_deadline),
        TEST(test_a_silent_rank_0_makes_rank_1_late_and_then_the_others),
        TEST(test_all_are_late_where_nobody_gets_on_rank_0_first),
        TEST(test_time_in_which_a_rank_did_not_look_does_not_count),
        TEST(test_a_new_deadline_counts_from_now),
        TEST(test_a_much_shorter_deadline_is_followed_at_once),
        TEST(test_a_rank_whose_waits_are_short_is_not_silent),
        TEST(test_a_rank_that_left_is_not_late),
        TEST(test_a_silent_rank_is_named_with_what_it_owes),
        TEST(test_the_debtor_is_the_rank_that_does_not_wait),
        TEST(test_where_all_wait_the_first_that_owes_is_named),
        TEST(test_a_debt_to_another_rank_is_told),
        TEST(test_a_message_that_is_not_taken_is_told),
        TEST(test_where_nothing_is_owed_nobody_is_named),
        TEST(test_where_a_rank_spoke_the_others_end_with_its_code),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
