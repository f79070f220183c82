/* Who waited for whom, from the times in the workers' payloads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "launch/train/times.h"

enum { WORKERS = 3 };

static pt_times t;

static int set_up(void **state)
{
    return pt_times_init(&t, WORKERS) == PT_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    pt_times_fini(&t);
    return 0;
}

/* A worker's step of 8 s: what it did not wait, it computed. */
static void waits(double times[PT_PAYLOAD_TIMES], double weights, double sums,
                  double record)
{
    times[PT_TIME_INPUT] = 0;
    times[PT_TIME_COMPUTE] = 8 - weights - sums - record;
    times[PT_TIME_WEIGHTS] = weights;
    times[PT_TIME_SUMS] = sums;
    times[PT_TIME_RECORD] = record;
    times[PT_TIME_HIDDEN] = 0.5;
}

static void test_the_worker_that_waits_least_is_waited_for(void **state)
{
    double times[WORKERS][PT_PAYLOAD_TIMES];
    pt_split s;

    waits(times[0], 0, 0, 3);
    waits(times[1], 0, 0, 1);
    waits(times[2], 0, 0, 5);
    s = pt_times_add(&t, times[0]);
    assert_true(t.waited_for[0] == 0 && t.waited_for[2] == 0);
    assert_true(t.waited_for[1] == 2 + 4);
    assert_true(s.exposed == 1); /* what nobody could avoid */
    assert_true(s.uneven == 2);
}

static void test_sums_and_the_record_are_told_apart(void **state)
{
    double times[WORKERS][PT_PAYLOAD_TIMES];
    pt_split s;

    waits(times[0], 0, 1, 4);
    waits(times[1], 0, 4, 1);
    waits(times[2], 0, 4, 4);
    s = pt_times_add(&t, times[0]);
    assert_true(t.waited_for[0] == 6 && t.waited_for[1] == 6 && t.waited_for[2] == 0);
    assert_true(s.exposed == 2 && s.uneven == 4);
}

static void test_waiting_for_weights_is_no_workers_fault(void **state)
{
    double times[WORKERS][PT_PAYLOAD_TIMES];
    pt_split s;

    for (int w = 0; w < WORKERS; w++) waits(times[w], w, 0, 1);
    s = pt_times_add(&t, times[0]);
    for (int w = 0; w < WORKERS; w++) assert_true(t.waited_for[w] == 0);
    assert_true(s.exposed == 1 + 1 && s.uneven == 0);
}

/* It has no images in this step, exchanges no sums, and waits for the record at once. */
static void test_a_worker_without_images_is_not_waited_for(void **state)
{
    double times[WORKERS][PT_PAYLOAD_TIMES];

    waits(times[0], 0, 2, 1);
    waits(times[1], 0, 1, 1);
    waits(times[2], 0, 0, 7);
    pt_times_add(&t, times[0]);
    assert_true(t.waited_for[2] == 0);
    assert_true(t.waited_for[1] == 1); /* by worker 0, for sums */
}

static void test_a_step_adds_up(void **state)
{
    double times[WORKERS][PT_PAYLOAD_TIMES];
    pt_split s;

    waits(times[0], 1, 1, 2);
    waits(times[1], 0, 2, 2);
    waits(times[2], 2, 0.5, 1.5);
    s = pt_times_add(&t, times[0]);
    assert_true(pt_times_all(s.of) == 8);
    assert_true(s.of[PT_TIME_COMPUTE] + s.exposed + s.uneven == 8);
    assert_true(t.steps == 1 && pt_times_exposed(&t) == s.exposed);
    assert_true(pt_times_communication(&t) == s.exposed + 0.5);
    assert_true(pt_times_uneven(&t) == s.uneven / 8);
}

static void test_the_first_payloads_of_a_job_are_of_no_step(void **state)
{
    const double times[WORKERS * PT_PAYLOAD_TIMES] = {0};

    pt_times_add(&t, times);
    assert_true(t.steps == 0);
    assert_true(pt_times_exposed(&t) == 0 && pt_times_uneven(&t) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_worker_that_waits_least_is_waited_for,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_sums_and_the_record_are_told_apart, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_waiting_for_weights_is_no_workers_fault,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_worker_without_images_is_not_waited_for,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_step_adds_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_first_payloads_of_a_job_are_of_no_step,
                                        set_up, tear_down),
    };

    return cmocka_run_group_tests_name("launch.times", tests, NULL, NULL);
}
