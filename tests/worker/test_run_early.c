/* A run that ends early hands on the weights of its best test, the same bits on any
 * workers, servers and threads, stopped and resumed or not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/support/temp_dir.h"
#include "tests/support/whole_run.h"

#define CONFIG PT_TEST_DATA "/run/base.yaml" /* six steps, a test after 2, 4 and 6 */

typedef struct {
    int w, s, t;
} layout;

static const layout layouts[] = {{1, 1, 1}, {3, 1, 1}, {2, 3, 1}, {8, 2, 1}, {1, 3, 2}};

enum { N_LAYOUTS = sizeof layouts / sizeof *layouts };

static whole_run_options options(layout l, int best_after, int over_after)
{
    return (whole_run_options){
        .config = CONFIG,
        .sets = {"early_stopping.patience=1", "data.validation_share=0.5"},
        .n_servers = l.s,
        .n_workers = l.w,
        .threads = l.t,
        .n_train = 21,
        .n_test = 70,
        .n_validation = 37,
        .best_after = best_after,
        .over_after = over_after,
        .salt = 3};
}

static whole_run *plain(int steps)
{
    whole_run_options o = options(layouts[0], 0, 0);
    char stages[64];
    whole_run *r;

    snprintf(stages, sizeof stages, "stages=[{steps: %d}]", steps);
    o.sets[0] = stages;
    o.sets[1] = "schedule.kind=constant";
    o.sets[2] = "average.kind=ema";
    r = whole_run_play_ok(&o);
    return r;
}

static bool same(const float *a, const float *b, size_t n)
{
    return memcmp(a, b, n * sizeof *a) == 0;
}

/* Weights, statistics, the second set and all outputs are those of a run that was as long
 * as the best test. */
static void test_what_it_hands_on_is_the_best_on_any_layout(void **state)
{
    whole_run *best = plain(2);
    size_t n = best->run->graph->n_floats, params = best->run->graph->n_param_floats;

    for (int i = 0; i < N_LAYOUTS; i++) {
        whole_run_options o = options(layouts[i], 2, 4);
        whole_run *r;

        o.sets[2] = "schedule.kind=constant";
        o.sets[3] = "average.kind=ema";
        o.shuffle = (unsigned)i;
        r = whole_run_play_ok(&o);
        assert_int_equal(r->n_steps, 4);
        assert_int_equal(r->n_tests, 3); /* the best once more */
        assert_true(same(r->run->flat, best->run->flat, n));
        assert_true(same(r->logits, best->logits, 70 * WHOLE_RUN_CLASSES));
        assert_true(same(r->train_logits, best->train_logits, 21 * WHOLE_RUN_CLASSES));
        assert_true(same(r->second_logits, best->second_logits, 70 * WHOLE_RUN_CLASSES));
        if (layouts[i].s == 1) assert_true(same(r->second, best->second, params));
        whole_run_destroy(r);
    }
    whole_run_destroy(best);
}

/* A schedule falls after 0.6 of the steps: of all six, whenever the run ends. */
static void test_the_steps_before_the_end_are_those_of_the_whole_run(void **state)
{
    whole_run_options o = options(layouts[0], 4, 4), all = options(layouts[0], 0, 0);
    whole_run *r = whole_run_play_ok(&o), *whole;

    all.sets[0] = all.sets[1] = NULL;
    whole = whole_run_play_ok(&all);
    assert_int_equal(r->n_steps, 4);
    assert_true(same(r->run->flat, whole->steps[3].flat, r->run->graph->n_floats));
    whole_run_destroy(r);
    whole_run_destroy(whole);
}

static void test_the_last_step_hands_on_the_best_as_well(void **state)
{
    whole_run_options o = options(layouts[0], 2, 0);
    whole_run *r = whole_run_play_ok(&o);

    assert_int_equal(r->n_steps, 6);
    assert_int_equal(r->n_tests, 4);
    assert_true(same(r->run->flat, r->steps[1].flat, r->run->graph->n_floats));
    whole_run_destroy(r);
}

/* Stopped after each step: also where the best is only in the checkpoint, and where the
 * test that ends the run is still owed. */
static void test_stopped_and_resumed_it_ends_alike(void **state)
{
    whole_run_options o = options(layouts[0], 2, 4);
    whole_run *a, *b;
    char root[256];

    snprintf(root, sizeof root, "%s", in_dir("checkpoints"));
    o.sets[2] = "average.kind=ema";
    a = whole_run_play_ok(&o);
    for (int stop = 1; stop <= 3; stop++)
        for (int i = stop % 2; i < N_LAYOUTS; i += 2) {
            whole_run_options first = options(layouts[i], 2, 4),
                              then = options(layouts[(i + stop) % N_LAYOUTS], 2, 4);

            first.sets[2] = then.sets[2] = "average.kind=ema";
            first.root = then.root = root;
            first.stop_after = stop;
            then.resume = true;
            b = whole_run_play(&first);
            whole_run_assert_stopped(b);
            assert_int_equal(b->n_steps, stop + 1);
            whole_run_destroy(b);
            b = whole_run_play_ok(&then);
            assert_int_equal(b->n_steps, 4);
            assert_null(whole_run_difference(a, b));
            whole_run_destroy(b);
            pt_checkpoint_prune(root, 0);
        }
    whole_run_destroy(a);
}

/* A signal in the step whose test ends the run comes too late to interrupt it. */
static void test_a_stop_that_is_asked_for_at_the_end_finds_it_complete(void **state)
{
    whole_run_options o = options(layouts[2], 2, 4);
    char root[256];
    whole_run *r;

    snprintf(root, sizeof root, "%s", in_dir("checkpoints"));
    o.root = root;
    o.stop_after = 4;
    r = whole_run_play_ok(&o);
    assert_int_equal(r->n_steps, 4);
    whole_run_destroy(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_it_hands_on_is_the_best_on_any_layout),
        cmocka_unit_test(test_the_steps_before_the_end_are_those_of_the_whole_run),
        cmocka_unit_test(test_the_last_step_hands_on_the_best_as_well),
        cmocka_unit_test(test_stopped_and_resumed_it_ends_alike),
        cmocka_unit_test(test_a_stop_that_is_asked_for_at_the_end_finds_it_complete),
    };

    return cmocka_run_group_tests_name("worker.run_early", tests, make_dir, remove_dir);
}
