/* The share of a run's time that became steps which were kept, over several jobs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <cmocka.h>

#include "common/base/clock.h"
#include "common/base/file.h"
#include "launch/train/goodput.h"
#include "tests/support/temp_dir.h"

/* The last line of metrics.jsonl was written at `date`. */
static void last_step_at(double date)
{
    struct timespec at[2] = {{.tv_sec = (time_t)date}, {.tv_sec = (time_t)date}};

    assert_int_equal(pt_file_replace(in_dir("metrics.jsonl"), "{}\n", 3), PT_OK);
    assert_int_equal(utimensat(AT_FDCWD, in_dir("metrics.jsonl"), at, 0), 0);
}

/* A job that began then; end: by itself, now. */
static pt_goodput job(double started, double earlier, uint64_t lost, double lost_s,
                      bool end, double kept)
{
    pt_jobs j;
    pt_goodput g;

    assert_int_equal(pt_jobs_open(dir, started, earlier, &j), PT_OK);
    pt_jobs_begin(&j, lost, lost_s);
    if (end) pt_jobs_end(&j);
    g = pt_goodput_of(&j, kept);
    pt_jobs_fini(&j);
    return g;
}

static void clean(void)
{
    unlink(in_dir("jobs.json"));
    unlink(in_dir("metrics.jsonl"));
}

static bool near(double a, double b)
{
    return a - b < 2 && b - a < 2; /* seconds that this test may take */
}

static void test_a_single_job_counts_from_its_start(void **state)
{
    pt_goodput g = job(pt_date() - 100, 0, 0, 0, true, 90);

    assert_true(g.jobs == 1 && near(g.all, 100) && g.kept == 90 && g.lost_steps == 0);
    clean();
}

static void test_a_killed_job_counts_until_its_last_step(void **state)
{
    double now = pt_date();
    pt_goodput g;

    job(now - 1000, 0, 0, 0, false, 0);
    last_step_at(now - 700);
    g = job(now - 100, 0, 7, 50, true, 200);
    assert_true(g.jobs == 2 && near(g.all, 300 + 100));
    assert_true(g.lost_steps == 7 && g.lost == 50);
    clean();
}

static void test_a_job_that_was_stopped_counts_until_its_end(void **state)
{
    double now = pt_date();
    pt_goodput g;

    job(now - 1000, 0, 0, 0, true, 0);
    last_step_at(now - 900);
    g = job(now - 100, 0, 0, 0, true, 200);
    assert_true(near(g.all, 1000 + 100));
    clean();
}

static void test_a_job_that_did_no_step_counts_for_nothing(void **state)
{
    double now = pt_date();
    pt_goodput g;

    job(now - 1000, 0, 0, 0, false, 0);
    g = job(now - 10, 0, 0, 0, true, 5);
    assert_true(g.jobs == 2 && near(g.all, 10));
    clean();
}

static void test_jobs_of_an_older_version_count_as_their_checkpoint_says(void **state)
{
    pt_goodput g = job(pt_date() - 10, 500, 0, 0, true, 5);

    assert_true(g.jobs == 2 && near(g.all, 510));
    clean();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_single_job_counts_from_its_start),
        cmocka_unit_test(test_a_killed_job_counts_until_its_last_step),
        cmocka_unit_test(test_a_job_that_was_stopped_counts_until_its_end),
        cmocka_unit_test(test_a_job_that_did_no_step_counts_for_nothing),
        cmocka_unit_test(test_jobs_of_an_older_version_count_as_their_checkpoint_says),
    };

    return cmocka_run_group_tests_name("launch.goodput", tests, make_dir, remove_dir);
}
