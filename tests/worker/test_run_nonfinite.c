/* What numbers that are not finite do: run.nonfinite stop, skip and skip_all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/support/whole_run.h"

#define CONFIG PT_TEST_DATA "/run/base.yaml"

/* A gradient that overflows although losses and norms are finite: frozen batch norm lets
 * a large pixel through, a tiny ratio makes the regression's gradient 1e30 times that of
 * CE, and the first layer multiplies the two. Only the image with the pixel does it. */
static void overflow(whole_run_options *o, const char *policy)
{
    static const char *const sets[] = {"network.batch_norm=frozen", "pseudo_task.loss=l2",
                                       "pseudo_task.ratio=1.0e-30",
                                       "pseudo_task.gate=always", "optimizer.lr=1.0e-34"};

    o->spoilt = 17;
    o->spoilt_value = 1e12f;
    o->sets[0] = policy;
    for (int i = 0; i < 5; i++) o->sets[1 + i] = sets[i];
}

static whole_run_options options(int n_workers, int n_servers)
{
    return (whole_run_options){.config = CONFIG,
                               .n_servers = n_servers,
                               .n_workers = n_workers,
                               .threads = 1,
                               .n_train = 21,
                               .n_test = 70,
                               .salt = 3};
}

static int n_skipped(const whole_run *r)
{
    int n = 0;

    for (int k = 0; k < r->n_steps; k++) n += r->steps[k].report.skipped != NULL;
    return n;
}

static const char *text_of(const whole_run *r)
{
    return r->ends[0].text;
}

/* A skipped step leaves parameters, statistics, gate and moving average as they were,
 * also where it is the first. */
static void skips_leave_everything(const whole_run *r)
{
    size_t bytes = r->run->graph->n_floats * sizeof(float);
    float *start = malloc(bytes);

    assert_non_null(start);
    whole_run_start(r->run->graph, start);
    for (int k = 0; k < r->n_steps; k++) {
        const pt_step_report *is = &r->steps[k].report;
        const float *was = k > 0 ? r->steps[k - 1].flat : start;
        double ema = k > 0 ? r->steps[k - 1].report.ema : 0;

        if (!is->skipped) {
            assert_memory_not_equal(r->steps[k].flat, was, bytes);
            continue;
        }
        assert_memory_equal(r->steps[k].flat, was, bytes);
        assert_true(is->ema == ema);
    }
    free(start);
}

static void any_layout_skips_alike(whole_run_options o, int steps)
{
    static const int layouts[][2] = {{2, 1}, {3, 2}, {8, 3}}; /* 8: on three hosts */
    whole_run *a = whole_run_play_ok(&o);

    assert_int_equal(n_skipped(a), steps);
    skips_leave_everything(a);
    for (int i = 0; i < 3; i++) {
        const char *what;
        whole_run *b;

        o.n_workers = layouts[i][0];
        o.n_servers = layouts[i][1];
        o.n_hosts = i == 2 ? 3 : 0;
        o.shuffle = (unsigned)i + 1;
        b = whole_run_play_ok(&o);
        what = whole_run_difference(a, b);
        if (what)
            fail_msg("%d workers, %d servers: %s differ", o.n_workers, o.n_servers, what);
        whole_run_destroy(b);
    }
    whole_run_destroy(a);
}

/* One of the two batches of each of the three epochs holds the image. */
static void test_skip_leaves_out_the_steps_with_a_bad_loss(void **state)
{
    whole_run_options o = options(1, 1);

    o.spoilt = 17;
    o.sets[0] = "run.nonfinite=skip";
    o.sets[1] = "run.max_skips=1"; /* in a row: the steps between them count */
    any_layout_skips_alike(o, 3);
    o.sets[0] = "run.nonfinite=skip_all";
    any_layout_skips_alike(o, 3);
}

static void test_more_skips_in_a_row_than_allowed_stop(void **state)
{
    whole_run_options o = options(2, 2);
    whole_run *r;

    o.spoilt = 17;
    o.sets[0] = "run.nonfinite=skip";
    o.sets[1] = "data.batch=21"; /* every step */
    o.sets[2] = "run.max_skips=1";
    r = whole_run_play(&o);
    assert_int_equal(r->ends[0].status, PT_ERR_NUMERIC);
    assert_true(r->ends[0].agreed && r->ends[3].agreed);
    assert_int_equal(r->n_steps, 1);
    assert_non_null(strstr(text_of(r), "step 2 of 3: "));
    assert_non_null(strstr(text_of(r), "; run.max_skips allows 1 in a row"));
    whole_run_destroy(r);
}

static void test_a_bad_gradient_stops_and_names_the_tensor(void **state)
{
    static const char *const policies[] = {"run.nonfinite=stop", "run.nonfinite=skip"};

    for (int i = 0; i < 2; i++) {
        whole_run_options o = options(2, 1);
        whole_run *r;

        overflow(&o, policies[i]);
        o.deadline_s = 3; /* the workers wait for a server that has failed */
        r = whole_run_play(&o);
        assert_int_equal(r->ends[0].status, PT_ERR_NUMERIC);
        if (!strstr(text_of(r), "is not finite after the update"))
            fail_msg("%s: %s", policies[i], text_of(r));
        whole_run_destroy(r);
    }
}

/* Before any weight has moved, and not only where the tensor lives. */
static void test_a_bad_gradient_has_no_norm_to_clip_by(void **state)
{
    whole_run_options o = options(2, 2);
    whole_run *r;

    overflow(&o, "run.nonfinite=skip");
    o.sets[6] = "optimizer.clip_norm=1";
    o.deadline_s = 3;
    r = whole_run_play(&o);
    assert_int_equal(r->ends[0].status, PT_ERR_NUMERIC);
    assert_int_equal(r->ends[1].status, PT_ERR_NUMERIC);
    if (!strstr(text_of(r), "the gradient of ")) fail_msg("%s", text_of(r));
    whole_run_destroy(r);
    o.sets[0] = "run.nonfinite=skip_all";
    o.sets[5] = "optimizer.lr=0.001"; /* of what is clipped */
    any_layout_skips_alike(o, 3);
}

static void test_skip_all_skips_a_bad_gradient_on_any_number_of_servers(void **state)
{
    whole_run_options o = options(1, 1);

    overflow(&o, "run.nonfinite=skip_all");
    o.sets[6] = "run.max_skips=1"; /* in a row, on every server */
    any_layout_skips_alike(o, 3);
}

/* A weight beyond the range of float spoils every gradient, after a forward pass whose
 * batch norm computes statistics. */
static void test_a_vote_leaves_running_statistics_alone(void **state)
{
    whole_run_options o = options(1, 1);

    o.sets[0] = "run.nonfinite=skip_all";
    o.sets[1] = "run.max_skips=100";
    o.sets[2] = "pseudo_task.loss=l2";
    o.sets[3] = "pseudo_task.ratio=1.0e-40";
    o.sets[4] = "pseudo_task.gate=always";
    any_layout_skips_alike(o, 6);
}

static void test_skip_all_changes_no_bit_of_a_healthy_run(void **state)
{
    whole_run_options o = options(2, 1);
    whole_run *a = whole_run_play(&o), *b;

    o.n_servers = 3;
    o.sets[0] = "run.nonfinite=skip_all";
    b = whole_run_play(&o);
    whole_run_assert_ok(a);
    whole_run_assert_ok(b);
    assert_null(whole_run_difference(a, b));
    whole_run_destroy(a);
    whole_run_destroy(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_skip_leaves_out_the_steps_with_a_bad_loss),
        cmocka_unit_test(test_more_skips_in_a_row_than_allowed_stop),
        cmocka_unit_test(test_a_bad_gradient_stops_and_names_the_tensor),
        cmocka_unit_test(test_a_bad_gradient_has_no_norm_to_clip_by),
        cmocka_unit_test(test_skip_all_skips_a_bad_gradient_on_any_number_of_servers),
        cmocka_unit_test(test_a_vote_leaves_running_statistics_alone),
        cmocka_unit_test(test_skip_all_changes_no_bit_of_a_healthy_run),
    };

    return cmocka_run_group_tests_name("worker.run_nonfinite", tests, NULL, NULL);
}
