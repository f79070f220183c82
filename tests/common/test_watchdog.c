/* The watchdog with its time in the test's hands: the linker puts our own
 * pthread_cond_timedwait and _signal, _exit and pt_log_error instead of the real
 * ones (--wrap), so that a deadline of minutes passes at once and no noise of the machine
 * shows. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/base/fscall.h"
#include "common/comm/pulse.h"
#include "common/comm/watchdog.h"

enum { DEADLINE = 300, TICKS = 10 }; /* seconds; ticks a second */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int granted;   /* ticks that may still pass */
    bool waiting;  /* the thread stands before the next tick */
    bool stopped;  /* woken before the tick had passed */
    int exit_code; /* -1: has not ended the process */
    int n_lines;
    char line[4096];
} play = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

int __wrap_pthread_cond_timedwait(pthread_cond_t *wake, pthread_mutex_t *lock,
                                  const struct timespec *until);
int __wrap_pthread_cond_signal(pthread_cond_t *wake);
_Noreturn void __wrap__exit(int code);
void __wrap_pt_log_error(const char *text);

int __wrap_pthread_cond_timedwait(pthread_cond_t *wake, pthread_mutex_t *lock,
                                  const struct timespec *until)
{
    bool stopped;

    pthread_mutex_unlock(lock);
    pthread_mutex_lock(&play.lock);
    play.waiting = true;
    pthread_cond_broadcast(&play.changed);
    while (play.granted == 0 && !play.stopped)
        pthread_cond_wait(&play.changed, &play.lock);
    play.waiting = false;
    stopped = play.stopped;
    if (!stopped) play.granted--;
    pthread_mutex_unlock(&play.lock);
    pthread_mutex_lock(lock);
    return stopped ? 0 : ETIMEDOUT;
}

/* The stop, under the lock of the watchdog. */
int __wrap_pthread_cond_signal(pthread_cond_t *wake)
{
    pthread_mutex_lock(&play.lock);
    play.stopped = true;
    pthread_cond_broadcast(&play.changed);
    pthread_mutex_unlock(&play.lock);
    return 0;
}

void __wrap__exit(int code)
{
    pthread_mutex_lock(&play.lock);
    play.exit_code = code;
    pthread_cond_broadcast(&play.changed);
    pthread_mutex_unlock(&play.lock);
    pthread_exit(NULL);
}

void __wrap_pt_log_error(const char *text)
{
    play.n_lines++;
    snprintf(play.line, sizeof play.line, "%s", text);
}

/* Lets this many seconds pass and waits until the thread has seen them. */
static void pass(int seconds)
{
    pthread_mutex_lock(&play.lock);
    play.granted += seconds * TICKS;
    pthread_cond_broadcast(&play.changed);
    while (play.exit_code < 0 && !(play.waiting && play.granted == 0))
        pthread_cond_wait(&play.changed, &play.lock);
    pthread_mutex_unlock(&play.lock);
}

static void start(double deadline_s, double stagger_s)
{
    play.granted = play.n_lines = 0;
    play.waiting = play.stopped = false;
    play.exit_code = -1;
    play.line[0] = '\0';
    assert_int_equal(pt_watchdog_start("a", deadline_s, stagger_s), PT_OK);
    pass(0);
}

/* ---- when it speaks --------------------------------------------------------------- */

static void test_it_speaks_after_the_deadline_and_not_before(void **state)
{
    start(DEADLINE, 0);
    pass(DEADLINE - 1);
    assert_int_equal(play.n_lines, 0);
    assert_false(pt_watchdog_wants_end());
    pass(2);
    assert_int_equal(play.n_lines, 1);
    assert_true(pt_watchdog_wants_end());
    pt_watchdog_stop();
}

static void test_rank_0_speaks_first_and_rank_1_before_the_others(void **state)
{
    static const int late[] = {0, 5, 10, 10};

    for (int rank = 0; rank < 4; rank++) {
        start(DEADLINE, pt_pulse_stagger(rank));
        pass(DEADLINE + late[rank] - 1);
        assert_int_equal(play.n_lines, 0);
        pass(2);
        assert_int_equal(play.n_lines, 1);
        pt_watchdog_stop();
    }
}

static void test_a_beat_in_time_keeps_it_silent(void **state)
{
    start(DEADLINE, 0);
    for (int i = 0; i < 5; i++) {
        pass(DEADLINE - 1);
        pt_watchdog_heartbeat();
    }
    pass(DEADLINE - 1);
    assert_int_equal(play.n_lines, 0);
    pass(2); /* the deadline counts from the last heartbeat */
    assert_int_equal(play.n_lines, 1);
    pt_watchdog_stop();
}

static void test_a_new_deadline_counts_from_now(void **state)
{
    start(DEADLINE, 0);
    pass(DEADLINE - 1);
    pt_watchdog_set_deadline(20);
    pass(19);
    assert_int_equal(play.n_lines, 0);
    pass(2);
    assert_int_equal(play.n_lines, 1);
    pt_watchdog_stop();
}

static void test_a_stopped_watchdog_says_nothing(void **state)
{
    char where[64] = "x";

    start(DEADLINE, 0);
    pass(DEADLINE - 1);
    pt_watchdog_stop();
    assert_int_equal(play.n_lines, 0);
    pt_watchdog_where(where, sizeof where);
    assert_string_equal(where, "");
    pt_watchdog_stop(); /* once more does no harm */
}

static void test_a_watchdog_that_was_stopped_begins_anew(void **state)
{
    start(DEADLINE, 0);
    pt_watchdog_at(41, "forward pass");
    pass(DEADLINE + 1);
    pt_watchdog_stop();
    start(DEADLINE, 0);
    assert_false(pt_watchdog_wants_end());
    pass(DEADLINE + 1);
    assert_string_equal(play.line, "host a, start-up: no progress for 300 s");
    assert_int_equal(play.n_lines, 1);
    pt_watchdog_stop();
}

/* ---- what it reports -------------------------------------------------------------- */

static void speaks(const char *line)
{
    pass(DEADLINE + 1);
    assert_string_equal(play.line, line);
    pt_watchdog_stop();
}

static void test_the_text_says_host_step_and_phase(void **state)
{
    start(DEADLINE, 0);
    pt_watchdog_at(41, "forward pass");
    speaks("host a, step 42, forward pass: no progress for 300 s");
}

static void test_the_text_names_the_call_and_the_file_that_it_is_stuck_in(void **state)
{
    start(DEADLINE, 0);
    pt_watchdog_at(41, "serving");
    pt_fscall_begin("fsync", "run/metrics.jsonl");
    pass(DEADLINE + 1);
    assert_string_equal(play.line,
                        "host a, step 42, serving: no progress for 300 s; fsync of "
                        "run/metrics.jsonl has not returned for 0 s"); /* of the clock */
    pt_watchdog_stop();
    start(DEADLINE, 0);
    pt_fscall_begin("fsync", "run/metrics.jsonl");
    pt_fscall_end();
    speaks("host a, start-up: no progress for 300 s");
}

static void test_the_text_says_what_it_waits_for_and_who_owes(void **state)
{
    start(DEADLINE, 0);
    pt_watchdog_at(41, "forward pass");
    pt_watchdog_waits("gradients");
    pt_watchdog_owed("rank 2 (host b) has owed gradients of key 17 for 300 s");
    speaks("host a, step 42, waiting for gradients: no progress for 300 s; "
           "rank 2 (host b) has owed gradients of key 17 for 300 s");
}

static void test_a_wait_that_ended_is_not_in_the_text(void **state)
{
    start(DEADLINE, 0);
    pt_watchdog_at(41, "update");
    pt_watchdog_waits("gradients");
    pt_watchdog_owed("rank 2 (host b) has owed gradients of key 17 for 300 s");
    pt_watchdog_waits(NULL);
    speaks("host a, step 42, update: no progress for 300 s");
}

/* ---- and then --------------------------------------------------------------------- */

static void test_a_rank_has_one_line(void **state)
{
    start(DEADLINE, 0);
    assert_true(pt_watchdog_claim_line()); /* the MPI thread was first */
    assert_false(pt_watchdog_claim_line());
    pass(DEADLINE + 1);
    assert_int_equal(play.n_lines, 0);
    assert_true(pt_watchdog_wants_end());
    pt_watchdog_stop();
}

static void test_a_hung_rank_ends_itself_two_seconds_after_its_line(void **state)
{
    start(DEADLINE, 0);
    pass(DEADLINE + 1);
    assert_int_equal(play.exit_code, -1);
    pass(3);
    assert_int_equal(play.exit_code, 1);
    assert_int_equal(play.n_lines, 1);
    pt_watchdog_stop();
}

static void test_an_end_that_does_not_come_is_made_after_ten_seconds(void **state)
{
    start(DEADLINE, 0);
    pt_watchdog_end_soon(75);
    pass(9);
    assert_int_equal(play.exit_code, -1);
    pass(2);
    assert_int_equal(play.exit_code, 75);
    assert_int_equal(play.n_lines, 0); /* whoever asked has spoken */
    pt_watchdog_stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_speaks_after_the_deadline_and_not_before),
        cmocka_unit_test(test_rank_0_speaks_first_and_rank_1_before_the_others),
        cmocka_unit_test(test_a_beat_in_time_keeps_it_silent),
        cmocka_unit_test(test_a_new_deadline_counts_from_now),
        cmocka_unit_test(test_a_stopped_watchdog_says_nothing),
        cmocka_unit_test(test_a_watchdog_that_was_stopped_begins_anew),
        cmocka_unit_test(test_the_text_says_host_step_and_phase),
        cmocka_unit_test(test_the_text_names_the_call_and_the_file_that_it_is_stuck_in),
        cmocka_unit_test(test_the_text_says_what_it_waits_for_and_who_owes),
        cmocka_unit_test(test_a_wait_that_ended_is_not_in_the_text),
        cmocka_unit_test(test_a_rank_has_one_line),
        cmocka_unit_test(test_a_hung_rank_ends_itself_two_seconds_after_its_line),
        cmocka_unit_test(test_an_end_that_does_not_come_is_made_after_ten_seconds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
