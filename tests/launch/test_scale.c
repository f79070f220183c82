/* A scaling series: its list of workers, what its numbers mean, and one hash. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "launch/scale/series.h"

static void test_workers_are_a_rising_list(void **state)
{
    pt_scale_request r = {0};

    assert_int_equal(pt_scale_read_workers("1,2,16", &r), PT_OK);
    assert_int_equal(r.n, 3);
    assert_int_equal(r.workers[0], 1);
    assert_int_equal(r.workers[2], 16);
    assert_int_equal(pt_scale_read_workers("7", &r), PT_OK);
    assert_int_equal(r.n, 1);
}

static void test_other_lists_are_refused(void **state)
{
    static const char *const bad[] = {"",    ",",   "0",   "-1",  "1,,2",   "1,2,",
                                      "2,1", "1,1", "1 2", "1-4", "100001", "one"};
    pt_scale_request r = {0};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (pt_scale_read_workers(bad[i], &r) != PT_ERR_USAGE)
            fail_msg("'%s' is accepted", bad[i]);
}

static pt_scale_measured job(int workers, int batch, double images_per_s, double exposed,
                             double bound)
{
    return (pt_scale_measured){.workers = workers,
                               .servers = 1,
                               .batch = batch,
                               .images_per_s = images_per_s,
                               .exposed_s = exposed,
                               .bound_s = bound,
                               .hash = "a"};
}

/* One worker: 1 s for 10 images, of which it waits 0.2 s. Four compute 0.2 s. */
static void test_the_bound_is_computing_or_the_link_whichever_is_longer(void **state)
{
    const pt_scale_measured jobs[] = {job(1, 10, 10, 0.2, 0.1), job(4, 10, 25, 0.15, 0.1),
                                      job(8, 10, 25, 0.3, 0.3)};
    pt_scale_point p[3];

    pt_scale_points(jobs, 3, p);
    assert_float_equal(p[0].speedup, 1, 1e-12);
    assert_float_equal(p[0].of_bound, 0.8, 1e-12);
    assert_float_equal(p[1].step_s, 0.4, 1e-12);
    assert_float_equal(p[1].speedup, 2.5, 1e-12);
    assert_float_equal(p[1].efficiency, 0.625, 1e-12);
    assert_float_equal(p[1].of_bound, 0.2 / 0.4, 1e-12);
    assert_float_equal(p[2].of_bound, 0.3 / 0.4, 1e-12);
}

static void test_a_weak_job_computes_as_long_as_the_smallest(void **state)
{
    const pt_scale_measured jobs[] = {job(2, 20, 20, 0, 0.1), job(4, 40, 32, 0.25, 0.1)};
    pt_scale_point p[2];

    pt_scale_points(jobs, 2, p);
    assert_float_equal(p[1].step_s, 1.25, 1e-12);
    assert_float_equal(p[1].efficiency, 0.8, 1e-12);
    assert_float_equal(p[1].of_bound, 0.8, 1e-12);
}

static void test_without_a_measured_link_there_is_no_bound(void **state)
{
    const pt_scale_measured jobs[] = {job(1, 10, 10, NAN, NAN)};
    pt_scale_point p[1];

    pt_scale_points(jobs, 1, p);
    assert_true(isnan(p[0].of_bound));
    assert_float_equal(p[0].step_s, 1, 1e-12);
}

static void test_other_weights_are_named_with_both_jobs(void **state)
{
    pt_scale_measured jobs[] = {job(1, 10, 10, 0, 0), job(2, 10, 10, 0, 0),
                                job(4, 10, 10, 0, 0)};

    assert_int_equal(pt_scale_same_weights(jobs, 3), PT_OK);
    strcpy(jobs[2].hash, "b");
    assert_int_equal(pt_scale_same_weights(jobs, 3), PT_ERR_BUG);
    assert_non_null(strstr(pt_fail_text(), "4 workers (b)"));
    assert_non_null(strstr(pt_fail_text(), "1 (a)"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_workers_are_a_rising_list),
        cmocka_unit_test(test_other_lists_are_refused),
        cmocka_unit_test(test_the_bound_is_computing_or_the_link_whichever_is_longer),
        cmocka_unit_test(test_a_weak_job_computes_as_long_as_the_smallest),
        cmocka_unit_test(test_without_a_measured_link_there_is_no_bound),
        cmocka_unit_test(test_other_weights_are_named_with_both_jobs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
