/* What the report concludes: sentences by hand. With two degrees of freedom Student's p
 * is 1 - t / sqrt(2 + t^2). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "launch/report/verdict.h"
#include "tests/launch/made_runs.h"

#define PLAIN MADE_RUNS_PLAIN
#define SML1  MADE_RUNS_SML1
#define L2    MADE_RUNS_L2
#define FNP   MADE_RUNS_PLAIN "regularizers: {fnp: {weight: 0.001}}\n"

/* Runs of one method with seeds 1, 2 ...; accuracies in percent end with a 0; -1: not
 * tested. */
typedef struct {
    const char *settings;
    double test[6];
} row;

static void make(const row *rows, size_t n)
{
    static char names[MADE_RUNS_MAX][16];
    int at = 0;

    for (size_t i = 0; i < n; i++)
        for (int k = 0; rows[i].test[k] != 0; k++, at++) {
            const made_run run = {
                names[at], rows[i].settings, k + 1, rows[i].test[k] / 100, 1, 3, 1, NULL};

            snprintf(names[at], sizeof names[at], "r%d", at);
            made_runs_make(&run, 1);
        }
}

static void expect(const row *rows, size_t n, const char *verdict)
{
    pt_finished_run *r = NULL;
    pt_summary *u;

    make(rows, n);
    u = made_runs_sum_up(&r);
    assert_int_equal(u->n_blocks, 1);
    assert_string_equal(u->blocks[0].verdict, verdict);
    made_runs_release(&u, &r);
}

static void test_a_gain_that_every_seed_shows_wins(void **state)
{
    const row rows[] = {{PLAIN, {60, 62, 64}}, {SML1, {61, 63.5, 66}}};

    expect(rows, 2,
           "PtR-SML1 wins: +1.50 points over plain (95 % interval +0.26 to +2.74, 3 of 3 "
           "seeds gain, p = 0.035).");
}

static void test_with_one_seed_no_gain_is_named(void **state)
{
    const row rows[] = {{PLAIN, {60}}, {SML1, {70}}};

    expect(
        rows, 2,
        "One seed: no gain can be named, since two runs differ by chance alone; run at "
        "least 3 seeds, better 5.");
}

static void test_runs_that_were_not_tested_show_nothing(void **state)
{
    const row one[] = {{PLAIN, {60, 62, 64, 65}}, {SML1, {61, 63.5, 66, -1}}},
              all[] = {{PLAIN, {-1, -1, -1}}, {SML1, {-1, -1, -1}}};

    expect(one, 2,
           "PtR-SML1 wins: +1.50 points over plain (95 % interval +0.26 to +2.74, 3 of 3 "
           "seeds gain, p = 0.035).");
    made_runs_remove(state);
    expect(all, 2,
           "Nothing was tested, as the data have no test split: no gain can be named.");
}

static void test_two_seeds_are_too_few(void **state)
{
    const row rows[] = {{PLAIN, {60, 60}}, {SML1, {70, 70.01}}};

    expect(rows, 2, "2 seeds are too few to name a gain; run at least 3, better 5.");
}

static void test_the_best_wins_only_if_it_is_better_than_the_others(void **state)
{
    const row rows[] = {
        {PLAIN, {60, 62, 64}}, {SML1, {62, 64.1, 66}}, {L2, {61.9, 64.1, 66.2}}};

    expect(rows, 3,
           "PtR-L2 gains: +2.07 points over plain (95 % interval +1.69 to +2.45, 3 of 3 "
           "seeds gain, p = 0.0018). These seeds do not tell it apart from PtR-SML1.");
}

static void test_among_many_methods_one_small_p_is_no_gain(void **state)
{
    const row rows[] = {
        {PLAIN, {60, 62, 64}}, {FNP, {60.5, 61, 64}}, {SML1, {61, 63.5, 66}}};

    expect(rows, 3,
           "No method is shown to gain. The best of 2, PtR-SML1, has +1.50 points over "
           "plain (95 % interval +0.26 to +2.74, 3 of 3 seeds gain, p = 0.035); among 2 "
           "methods that is no surprise (p after Holm: 0.07).");
}

static void test_what_loses_and_what_has_few_seeds_is_named(void **state)
{
    const row rows[] = {{PLAIN, {60, 62, 64}}, {FNP, {70}}, {SML1, {59, 60.5, 62}}};

    expect(
        rows, 3,
        "No method is shown to gain. PtR-SML1 loses: -1.50 points over plain (95 % "
        "interval -2.74 to -0.26, 0 of 3 seeds gain, p = 0.035). Too few seeds to judge "
        "FNP.");
}

static void test_a_gain_within_the_noise_is_not_named(void **state)
{
    const row rows[] = {{PLAIN, {60, 62, 64}}, {SML1, {61, 61, 66}}};

    expect(
        rows, 2,
        "PtR-SML1 is not shown to gain: +0.67 points over plain (95 % interval -3.13 to "
        "+4.46, 2 of 3 seeds gain, p = 0.53); seeds alone vary as much.");
}

/* On few test images three seeds may gain one image each: that is not certain. */
static void test_equal_differences_are_no_proof(void **state)
{
    const row rows[] = {{PLAIN, {60, 62, 64}}, {SML1, {61, 63, 65}}};

    expect(
        rows, 2,
        "PtR-SML1 is not shown to gain: +1.00 points over plain (the same at each of 3 "
        "seeds, p = 0.25); seeds alone vary as much.");
}

static void test_without_anything_to_compare_it_says_so(void **state)
{
    const row one[] = {{SML1, {60}}}, plain[] = {{PLAIN, {60, 61}}},
              none[] = {{SML1, {60}}, {L2, {61}}};

    expect(one, 1, "One run: there is nothing to compare it with.");
    made_runs_remove(state);
    expect(plain, 1, "Plain fine-tuning alone: there is nothing to compare it with.");
    made_runs_remove(state);
    expect(none, 2, "No plain runs with the same settings: no gain can be named.");
}

/* By hand: p 0.01, 0.03, 0.04 become 3 x 0.01, then 2 x 0.03, then no less than that. */
static void test_holm_multiplies_by_the_methods_that_are_left(void **state)
{
    const pt_finished_run plain_run = {.plain = true};
    const pt_finished_run *runs[] = {&plain_run};
    pt_method_runs m[5] = {{.runs = runs, .n_runs = 1}};
    const double p[] = {0.03, 0.01, 0.04}, holm[] = {0.06, 0.03, 0.06};
    const pt_block b = {.methods = m, .n_methods = 5};

    for (int i = 0; i < 3; i++)
        m[i + 1] =
            (pt_method_runs){.baseline = m, .gain = {.n = 3, .mean = 1}, .p = p[i]};
    m[4] = (pt_method_runs){.baseline = m, .gain = {.n = 2, .mean = 1}, .p = 0.001};
    for (int i = 0; i < 3; i++)
        assert_true(fabs(pt_verdict_holm(&b, &m[i + 1]) - holm[i]) < 1e-12);
    assert_int_equal(pt_verdict_of(&b, &m[0]), PT_JUDGED_NOT);
    assert_int_equal(pt_verdict_of(&b, &m[1]), PT_JUDGED_OPEN);
    assert_int_equal(pt_verdict_of(&b, &m[2]), PT_JUDGED_GAIN);
    assert_int_equal(pt_verdict_of(&b, &m[4]), PT_JUDGED_FEW);
    assert_true(isnan(pt_verdict_holm(&b, &m[4])));
}

int main(void)
{
#define T(f) cmocka_unit_test_teardown(f, made_runs_remove)
    const struct CMUnitTest tests[] = {
        T(test_a_gain_that_every_seed_shows_wins),
        T(test_with_one_seed_no_gain_is_named),
        T(test_runs_that_were_not_tested_show_nothing),
        T(test_two_seeds_are_too_few),
        T(test_the_best_wins_only_if_it_is_better_than_the_others),
        T(test_among_many_methods_one_small_p_is_no_gain),
        T(test_what_loses_and_what_has_few_seeds_is_named),
        T(test_a_gain_within_the_noise_is_not_named),
        T(test_equal_differences_are_no_proof),
        T(test_without_anything_to_compare_it_says_so),
        cmocka_unit_test(test_holm_multiplies_by_the_methods_that_are_left),
    };

    return cmocka_run_group_tests(tests, made_runs_enter, made_runs_leave);
}
