/* A run that is stopped and resumed on other workers, servers and threads, ends with
 * the bits of one that was never stopped: weights, statistics, numbers of every step,
 * tests. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/support/temp_dir.h"
#include "tests/support/whole_run.h"

#define CONFIG PT_TEST_DATA "/run/base.yaml"

typedef struct {
    int w, s, t;
} layout;

static whole_run_options options(layout l)
{
    return (whole_run_options){.config = CONFIG,
                               .n_servers = l.s,
                               .n_workers = l.w,
                               .threads = l.t,
                               .n_train = 21,
                               .n_test = 70,
                               .salt = 3};
}

static const char *root(void)
{
    return in_dir("checkpoints");
}

/* Plays o as l, stops after `stop` steps, resumes as m; the end must be that of a. */
static void stopped_and_resumed(const whole_run *a, whole_run_options o, layout l,
                                layout m, int stop)
{
    char place[256];
    const char *what;
    whole_run *b;
    int tests;

    snprintf(place, sizeof place, "%s", root());
    o.root = place;
    o.n_workers = l.w;
    o.n_servers = l.s;
    o.threads = l.t;
    o.stop_after = stop;
    b = whole_run_play(&o);
    whole_run_assert_stopped(b);
    assert_int_equal(b->n_steps, stop + 1);
    tests = b->n_tests;
    whole_run_destroy(b);

    o.n_workers = m.w;
    o.n_servers = m.s;
    o.threads = m.t;
    o.stop_after = 0;
    o.resume = true;
    o.shuffle = (unsigned)(stop + 1);
    b = whole_run_play_ok(&o);
    assert_int_equal(b->first_step, stop + 1);
    assert_int_equal(tests + b->n_tests, a->n_tests);
    what = whole_run_difference(a, b);
    if (what)
        fail_msg("%d+%d ranks, then %d+%d after step %d: %s differ", l.s, l.w, m.s, m.w,
                 stop, what);
    whole_run_destroy(b);
    pt_checkpoint_prune(place, 0);
}

static void test_any_step_and_layout_gives_the_same_bits(void **state)
{
    static const layout layouts[] = {
        {1, 1, 1}, {3, 1, 1}, {2, 3, 1}, {8, 2, 1}, {1, 3, 2}};
    enum { N = sizeof layouts / sizeof *layouts };
    whole_run_options o = options(layouts[0]);
    whole_run *a = whole_run_play_ok(&o);

    for (int stop = 1; stop <= 4; stop++)
        for (int i = 0; i < N; i++)
            stopped_and_resumed(a, o, layouts[i], layouts[(i + stop) % N], stop);
    whole_run_destroy(a);
}

/* Also where the first resumed step opens a stage, and where it lies inside one. */
static void test_stages_with_frozen_parts(void **state)
{
    const layout l = {2, 2, 1}, m = {3, 1, 1};
    whole_run_options o = options(l);
    whole_run *a;

    o.sets[0] = "stages=[{steps: 2, frozen: [trunk]}, {steps: 3}, "
                "{steps: 2, frozen: [conv1, bn1, layer1]}]";
    a = whole_run_play_ok(&o);
    for (int stop = 1; stop <= 5; stop++) stopped_and_resumed(a, o, l, m, stop);
    whole_run_destroy(a);
}

/* Both moments, and how often each tensor has moved: the trunk less often than the head.
 */
static void test_the_state_of_adamw_goes_on(void **state)
{
    const layout l = {2, 2, 1}, m = {3, 1, 1};
    whole_run_options o = options(l);
    whole_run *a;

    o.sets[0] = "optimizer={kind: adamw, lr: 0.001, head_lr: 0.003, weight_decay: 0.1}";
    o.sets[1] = "stages=[{steps: 2, frozen: [trunk]}, {steps: 4}]";
    a = whole_run_play_ok(&o);
    stopped_and_resumed(a, o, l, m, 1);
    stopped_and_resumed(a, o, m, l, 3);
    whole_run_destroy(a);
}

static void test_products_in_bf16_go_on(void **state)
{
    const layout l = {2, 2, 1}, m = {3, 1, 2}, many = {8, 2, 1}, one = {1, 3, 4};
    whole_run_options o = options(l);
    whole_run *a;

    o.sets[0] = "engine.precision=bf16";
    a = whole_run_play_ok(&o);
    stopped_and_resumed(a, o, l, m, 2);
    stopped_and_resumed(a, o, many, one, 1);
    stopped_and_resumed(a, o, one, many, 4);
    whole_run_destroy(a);
}

static void test_gate_and_moving_average_go_on(void **state)
{
    static const char *const gates[] = {"pseudo_task.gate=ema", "pseudo_task.gate=epoch"};
    const layout l = {2, 1, 1}, m = {3, 2, 1};

    for (int g = 0; g < 2; g++) {
        whole_run_options o = options(l);
        whole_run *a;

        o.sets[0] = gates[g];
        o.sets[1] = "pseudo_task.gate_fraction=1.02";
        a = whole_run_play_ok(&o);
        for (int stop = 1; stop <= 3; stop++) stopped_and_resumed(a, o, l, m, stop);
        whole_run_destroy(a);
    }
}

/* The batch's CE is below the threshold in step k and above it in the next: a gate that
 * did not know that it is open would shut. */
static void test_an_open_gate_stays_open(void **state)
{
    const layout l = {2, 1, 1};
    whole_run_options o = options(l);
    char fraction[64];
    double threshold, max_rise = 0;
    int k = 0;
    whole_run *a;

    o.sets[0] = "pseudo_task.gate=ema";
    o.sets[1] = "pseudo_task.gate_decay=0";
    o.sets[2] = "pseudo_task.ratio=1.0e9"; /* regression moves nothing */
    o.sets[3] = "optimizer.lr=0.5";        /* CE goes up and down */
    a = whole_run_play_ok(&o);
    for (int i = 1; i + 1 < a->n_steps; i++) {
        double rise = a->steps[i + 1].report.ema - a->steps[i].report.ema;

        if (rise > max_rise) k = i;
        if (rise > max_rise) max_rise = rise;
    }
    assert_true(k > 0);
    threshold = a->steps[k].report.ema + max_rise / 2;
    whole_run_destroy(a);
    snprintf(fraction, sizeof fraction, "pseudo_task.gate_fraction=%.17g",
             threshold / log(WHOLE_RUN_CLASSES));
    o.sets[4] = fraction;
    a = whole_run_play_ok(&o);
    assert_true(a->steps[k + 1].report.ema > threshold && a->steps[k + 1].report.gate);
    stopped_and_resumed(a, o, l, l, k);
    whole_run_destroy(a);
}

static void test_features_are_not_measured_again(void **state)
{
    const layout l = {2, 2, 1}, m = {1, 1, 1};
    whole_run_options o = options(l);
    whole_run *a;

    o.sets[0] = "pseudo_task.target=matched";
    a = whole_run_play_ok(&o);
    stopped_and_resumed(a, o, l, m, 2);
    whole_run_destroy(a);
}

/* Two steps in a row are skipped and the run is stopped: the third, in the next job, is
 * one too many. */
static void test_skips_in_a_row_are_counted_on(void **state)
{
    whole_run_options o = options((layout){2, 1, 1});
    char place[256];
    whole_run *b;

    snprintf(place, sizeof place, "%s", root());
    o.root = place;
    o.spoilt = 17;
    o.sets[0] = "run.nonfinite=skip";
    o.sets[1] = "data.batch=21"; /* the image is in every step */
    o.sets[2] = "run.max_skips=2";
    o.stop_after = 1;
    b = whole_run_play(&o);
    whole_run_assert_stopped(b);
    assert_int_equal(b->n_steps, 2);
    whole_run_destroy(b);

    o.stop_after = 0;
    o.resume = true;
    b = whole_run_play(&o);
    assert_int_equal(b->first_step, 2);
    assert_int_equal(b->ends[0].status, PT_ERR_NUMERIC);
    assert_int_equal(b->n_steps, 2);
    whole_run_destroy(b);
    pt_checkpoint_prune(place, 0);
}

/* Checkpoints after every step, written while training continues: no bit changes, two
 * stay, and the run resumes from the newest. */
static void test_saving_in_the_background_changes_nothing(void **state)
{
    const layout l = {3, 2, 1};
    whole_run_options o = options(l);
    whole_run *a = whole_run_play_ok(&o), *b;
    char place[256];
    pt_checkpoint c;

    snprintf(place, sizeof place, "%s", root());
    o.root = place;
    o.sets[0] = "run.checkpoint_steps=1";
    b = whole_run_play_ok(&o);
    assert_null(whole_run_difference(a, b));
    whole_run_destroy(b);
    assert_int_equal(pt_checkpoint_find(place, &c), PT_OK);
    assert_non_null(c.path);
    assert_in_range(c.progress.step, 1, 5);
    pt_checkpoint_fini(&c);

    o.resume = true;
    o.n_servers = 1;
    b = whole_run_play_ok(&o);
    assert_null(whole_run_difference(a, b));
    whole_run_destroy(b);
    whole_run_destroy(a);
    pt_checkpoint_prune(place, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_step_and_layout_gives_the_same_bits),
        cmocka_unit_test(test_stages_with_frozen_parts),
        cmocka_unit_test(test_the_state_of_adamw_goes_on),
        cmocka_unit_test(test_products_in_bf16_go_on),
        cmocka_unit_test(test_gate_and_moving_average_go_on),
        cmocka_unit_test(test_an_open_gate_stays_open),
        cmocka_unit_test(test_features_are_not_measured_again),
        cmocka_unit_test(test_skips_in_a_row_are_counted_on),
        cmocka_unit_test(test_saving_in_the_background_changes_nothing),
    };

    return cmocka_run_group_tests_name("worker.run_resume", tests, make_dir, remove_dir);
}
