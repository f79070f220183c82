/* Early stopping: the step at which a table of tests ends the run, and the best of them.
 */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "launch/train/early_stopping.h"

enum { NEVER = -1, MAX_TESTS = 12 };

#define ACCURACY PT__CONFIG__EARLY_STOPPING__METRIC__ACCURACY
#define LOSS     PT__CONFIG__EARLY_STOPPING__METRIC__LOSS

/* A test after each step; measured up to a negative number: images of 100 that are right,
 * or a loss. */
typedef struct {
    const char *what;
    unsigned patience;
    double min_delta;
    int metric;
    double measured[MAX_TESTS];
    int over, best; /* the steps */
} row;

static Pt__Config__EarlyStopping options_of(const row *r)
{
    Pt__Config__EarlyStopping c = PT__CONFIG__EARLY_STOPPING__INIT;

    c.patience = r->patience;
    c.min_delta = r->min_delta;
    c.metric = (Pt__Config__EarlyStopping__Metric)r->metric;
    return c;
}

static pt_measure measure_of(const row *r, const Pt__Config__EarlyStopping *c, int step)
{
    double x = r->measured[step];
    pt_score score = {.n = 100};

    if (c->metric == LOSS)
        score.ce = x;
    else
        score.n_right = (size_t)x;
    return pt_early_measure(c, &score);
}

/* Tests until the run is over; each is repeated, as after a resume. */
static void play(const row *r)
{
    Pt__Config__EarlyStopping c = options_of(r);
    pt_early e = {0};
    int over = NEVER, best = NEVER;

    for (int step = 0; step < MAX_TESTS && !(r->measured[step] < 0) && over == NEVER;
         step++) {
        pt_measure m = measure_of(r, &c, step);
        pt_test_verdict v = pt_early_count(&e, &c, (uint64_t)step, &m);
        pt_early once = e;
        pt_test_verdict again = pt_early_count(&e, &c, (uint64_t)step, &m);

        assert_true(v.best == again.best && v.over == again.over);
        assert_memory_equal(&once, &e, sizeof e);
        if (v.best) best = step;
        if (v.over) over = step;
    }
    if (over != r->over || best != r->best || (int)e.best_step != r->best)
        fail_msg("%s: over at %d, not %d; the best is %d (%d), not %d", r->what, over,
                 r->over, best, (int)e.best_step, r->best);
}

static void test_a_table_of_tests_gives_the_step_of_the_end_and_the_best(void **state)
{
    static const row table[] = {
        {"rises for ever", 1, 0, ACCURACY, {10, 11, 12, 13, -1}, NEVER, 3},
        {"falls at once", 1, 0, ACCURACY, {10, 9, -1}, 1, 0},
        {"an equal one is no improvement", 2, 0, ACCURACY, {10, 10, 10, -1}, 2, 0},
        {"the first of equals is the best",
         3,
         0,
         ACCURACY,
         {10, 12, 12, 12, 12, -1},
         4,
         1},
        {"counted anew", 2, 0, ACCURACY, {10, 9, 11, 10, 12, 11, 11, -1}, 6, 4},
        {"a small rise does not count", 2, 0.05, ACCURACY, {50, 54, 54, 90, -1}, 2, 1},
        {"exactly min_delta counts", 2, 0.07, ACCURACY, {50, 57, 64, 63, 63, -1}, 4, 2},
        {"small rises add up", 2, 0.05, ACCURACY, {50, 53, 56, 58, 60, -1}, 4, 4},
        {"the best may be a small rise", 2, 0.1, ACCURACY, {50, 55, 52, -1}, 2, 1},
        {"a loss falls", 2, 0, LOSS, {2, 1.5, 1.6, 1.5, -1}, 3, 1},
        {"a loss has to fall by min_delta",
         2,
         0.5,
         LOSS,
         {2, 1.5, 1.25, 1.125, -1},
         3,
         3},
        {"no number is the worst loss", 2, 0, LOSS, {NAN, 3, INFINITY, NAN, -1}, 3, 1},
        {"no numbers at all", 2, 0, LOSS, {NAN, NAN, INFINITY, -1}, 2, 0},
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) play(&table[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_table_of_tests_gives_the_step_of_the_end_and_the_best),
    };

    return cmocka_run_group_tests_name("launch.early_stopping", tests, NULL, NULL);
}
