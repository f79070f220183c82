/* What `ptrain report` prints: tables by hand, statistics by other programs. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "launch/report/csv.h"
#include "launch/report/published.h"
#include "launch/report/significance.h"
#include "tests/launch/made_runs.h"

#define PLAIN    MADE_RUNS_PLAIN
#define SML1     MADE_RUNS_SML1
#define L2       MADE_RUNS_L2
#define COUNT(a) (sizeof(a) / sizeof(a)[0])

/* By hand: plain 60 62 64: 62 (2). SML1 61 63.5 66: gains 1 1.5 2: 1.5 (0.5);
 * 150 / (100 - 62) = 3.947; t(0.975, 2) = 4.3027, times 0.5 / sqrt(3): 1.24; t is 5.196,
 * its p 1 - t / sqrt(2 + t^2) = 0.0351. L2 58 62 66: gains -2 0 2: 0 (2). */
static const made_run three_methods[] = {
    {"a", PLAIN, 1, 0.60, 1, -1, 0, NULL},     {"b", PLAIN, 2, 0.62, 0.9, -1, 0, NULL},
    {"c", PLAIN, 3, 0.64, 0.95, -1, 0, NULL},  {"d", SML1, 3, 0.66, 0.9, 12, 0.5, NULL},
    {"e", SML1, 2, 0.635, 0.9, 13, 0.7, NULL}, {"f", SML1, 1, 0.61, 0.9, 20, 0.9, NULL},
    {"g", L2, 1, 0.58, -1, 10, 1, NULL},       {"h", L2, 2, 0.62, -1, 10, 1, NULL},
    {"i", L2, 3, 0.66, -1, 10, 1, NULL},
};

static void test_the_table_of_three_methods_agrees_with_the_sum_by_hand(void **state)
{
    char *text;

    made_runs_make(three_methods, COUNT(three_methods));
    text = made_runs_table(PT_TABLE_TEXT);
    assert_string_equal(
        text,
        "resnet_small on d.h5\n"
        "No method is shown to gain. The best of 2, PtR-SML1, has +1.50 points over "
        "plain (95 % interval +0.26 to +2.74, 3 of 3 seeds gain, p = 0.035); among 2 "
        "methods that is no surprise (p after Holm: 0.07).\n"
        "method    runs  train %  test % (std)    gain (std)  +- 95 %       p"
        "  error cut %  gate at    w  images/s  time s\n"
        "plain        3    95.00  62.00 (2.00)             -        -       -"
        "            -        -    -     102.0    20.0\n"
        "PtR-SML1     3    90.00  63.50 (2.50)  +1.50 (0.50)     1.24  0.0351"
        "         3.95     16.0  0.7     102.0    20.0\n"
        "PtR-L2       3        -  62.00 (4.00)  +0.00 (2.00)     4.97       1"
        "         0.00     11.0    1     102.0    20.0\n"
        "\n");
    free(text);
}

static void test_markdown_holds_the_same_cells(void **state)
{
    char *text;

    made_runs_make(three_methods, COUNT(three_methods));
    text = made_runs_table(PT_TABLE_MARKDOWN);
    assert_string_equal(
        text,
        "### resnet\\_small on d.h5\n\n"
        "No method is shown to gain. The best of 2, PtR-SML1, has +1.50 points over "
        "plain (95 % interval +0.26 to +2.74, 3 of 3 seeds gain, p = 0.035); among 2 "
        "methods that is no surprise (p after Holm: 0.07).\n\n"
        "| method | runs | train % | test % (std) | gain (std) | +- 95 % | p "
        "| error cut % | gate at | w | images/s | time s |\n"
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n"
        "| plain | 3 | 95.00 | 62.00 (2.00) | - | - | - | - | - | - | 102.0 | 20.0 |\n"
        "| PtR-SML1 | 3 | 90.00 | 63.50 (2.50) | +1.50 (0.50) | 1.24 | 0.0351 | 3.95 | "
        "16.0 "
        "| 0.7 | 102.0 | 20.0 |\n"
        "| PtR-L2 | 3 | - | 62.00 (4.00) | +0.00 (2.00) | 4.97 | 1 | 0.00 | 11.0 | 1 "
        "| 102.0 | 20.0 |\n"
        "\n");
    free(text);
}

static void test_one_run_has_no_deviation(void **state)
{
    const made_run runs[] = {{"a", PLAIN, 1, 0.6, 1, -1, 0, NULL},
                             {"b", SML1, 1, 0.7, 1, 5, 0.25, NULL}};
    char *text;

    made_runs_make(runs, 2);
    text = made_runs_table(PT_TABLE_TEXT);
    assert_non_null(strstr(text, "plain        1   100.00     60.00 (-)           -"));
    assert_non_null(strstr(
        text,
        "PtR-SML1     1   100.00     70.00 (-)  +10.00 (-)        -  -        25.00"));
    free(text);
}

#define BASE "data: {path: d.h5}\nstages: [{epochs: 30}]\n"

/* What is switched off has no name, what is on has one, and all are held against the same
 * plain runs. */
static void test_other_methods_have_names_and_the_same_baseline(void **state)
{
    const made_run runs[] = {
        {"a", BASE "regularizers: {fnp: {weight: 0}}\n", 1, 0.5, 1, -1, 0, NULL},
        {"b", BASE "regularizers: {l2_sp: {alpha: 0.1, beta: 0.01}}\n", 1, 0.6, 1, -1, 0,
         NULL},
        {"c", BASE "regularizers: {fnp: {weight: 0.001}}\npseudo_task: {loss: l2}\n", 1,
         0.7, 1, 5, 1, NULL},
        {"d", BASE "regularizers: {fnp: {weight: 0.01}}\npseudo_task: {loss: l2}\n", 1,
         0.8, 1, 5, 1, NULL},
        {"e", BASE "cross_entropy: {mixup: 0.2}\n", 1, 0.4, 1, -1, 0, NULL},
        {"f",
         "data: {path: d.h5}\nschedule: {per_stage: true}\nstages: [{epochs: 10, frozen: "
         "[trunk]}, {epochs: 20, rate: 0.3}]\n",
         1, 0.3, 1, -1, 0, NULL},
        {"g", BASE "regularizers: {delta: {weight: 1, nodes: [x]}}\n", 1, 0.5, 1, -1, 0,
         NULL},
        {"h", BASE "regularizers: {delta: {weight: 1, nodes: [x], attention: a.h5}}\n", 1,
         0.5, 1, -1, 0, NULL},
        {"i",
         BASE "regularizers: {joint: {weight: 1}}\nsource: {path: s.h5, draw: "
              "neighbours}\n",
         1, 0.5, 1, -1, 0, NULL}};
    static const char *const names[] = {"plain",
                                        "mixup",
                                        "DELTA",
                                        "DELTA with attention",
                                        "BTfW",
                                        "L2-SP",
                                        "LP-FT",
                                        "PtR-L2 + FNP weight=0.001",
                                        "PtR-L2 + FNP weight=0.01"};
    pt_finished_run *r = NULL;
    pt_summary *u;

    made_runs_make(runs, COUNT(runs));
    u = made_runs_sum_up(&r);
    assert_int_equal(u->n_blocks, 1);
    assert_int_equal(u->blocks[0].n_methods, COUNT(names));
    for (size_t i = 0; i < COUNT(names); i++) {
        const pt_method_runs *m = &u->blocks[0].methods[i];

        assert_string_equal(m->name, names[i]);
        if (i > 0) assert_ptr_equal(m->baseline, &u->blocks[0].methods[0]);
    }
    assert_int_equal(u->blocks[0].n_notes, 0);
    made_runs_release(&u, &r);
}

/* mpmath 1.2.1: betainc(df / 2, 1 / 2, 0, df / (df + t^2), regularized=True). */
static void test_p_values_are_those_of_mpmath(void **state)
{
    static const struct {
        double t, df, p;
    } tails[] = {{0, 3, 1},
                 {1, 1, 0.5},
                 {2.7764451051977987, 4, 0.05},
                 {12.706204736432095, 1, 0.049999999998991307},
                 {2, 10, 0.07338803477074039},
                 {5, 30, 2.3296685467007795e-5},
                 {1.96, 100, 0.052778901366229662}};
    const double d[] = {1, 2, 3, 4, 5}, mixed[] = {1, -1}, same[] = {2, 2, 2};
    double fifteen[15];

    for (size_t i = 0; i < COUNT(tails); i++)
        assert_true(fabs(pt_student_tails(tails[i].t, tails[i].df) / tails[i].p - 1) <
                    1e-9);
    assert_true(fabs(pt_paired_t_p(d, 5) - 0.013235599) < 1e-8); /* t = 4.2426 */
    assert_true(fabs(pt_paired_t_half_width(d, 5) - 1.9632432) < 1e-6);
    assert_true(pt_sign_flip_p(d, 5) == 2. / 32);
    assert_true(pt_sign_flip_p(mixed, 2) == 1 && pt_paired_t_p(mixed, 2) == 1);
    assert_true(pt_sign_flip_p(same, 3) == 0.25 && pt_paired_t_p(same, 3) == 0);
    assert_true(isnan(pt_sign_flip_p(d, 1)) && isnan(pt_paired_t_p(d, 1)));
    assert_true(pt_paired_p(d, 5) == pt_paired_t_p(d, 5) && pt_paired_p(same, 3) == 0.25);
    assert_true(isnan(pt_paired_p(d, 1)) && isnan(pt_paired_t_half_width(same, 3)));
    for (int i = 0; i < 15; i++) fifteen[i] = i < 14 ? 1 : -1; /* sum 13: one minus */
    assert_true(pt_sign_flip_p(fifteen, 15) == 2. * 16 / 32768);
}

static void test_csv_and_latex(void **state)
{
    const made_run runs[] = {
        {"a", "data: {path: d.h5, per_class: 10}\n", 1, 0.6, -1, -1, 0, NULL}};
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    pt_finished_run *r = NULL;
    pt_summary *u;

    made_runs_make(runs, 1);
    u = made_runs_sum_up(&r);
    assert_int_equal(pt_csv_print(u, out), PT_OK);
    assert_int_equal(pt_table_print(u, PT_TABLE_LATEX, out), PT_OK);
    fclose(out);
    assert_non_null(strstr(text,
                           "\r\n\"resnet_small on d.h5, 10 images per class\",plain,1,"
                           "0.0005,,60,,,,101,20,"));
    assert_non_null(strstr(text,
                           "    plain & 1 & - & 60.00 (-) & - & - & - & - & - & - & "
                           "101.0 & 20.0 \\\\\n    \\bottomrule\n"));
    assert_non_null(strstr(text, "\\caption{resnet\\_small on d.h5"));
    assert_non_null(strstr(text, "test \\% (std) & gain"));
    free(text);
    made_runs_release(&u, &r);
}

static void test_csv_has_no_text_that_a_spreadsheet_would_run(void **state)
{
    static const char *const dirs[] = {"=1+1", "+1", "-1", "@SUM(A1)", "\tx", "a=1"};
    made_run runs[6];
    char *text = NULL, cell[32];
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    pt_finished_run *r = NULL;
    pt_summary *u;

    for (int i = 0; i < 6; i++)
        runs[i] = (made_run){dirs[i], MADE_RUNS_PLAIN, i + 1, 0.6, -1, -1, 0, "=A1"};
    made_runs_make(runs, 6);
    u = made_runs_sum_up(&r);
    assert_int_equal(pt_csv_print(u, out), PT_OK);
    fclose(out);
    for (int i = 0; i < 6; i++) {
        snprintf(cell, sizeof cell, ",'=A1,%s%s\r\n", i < 5 ? "'" : "", dirs[i]);
        assert_non_null(strstr(text, cell));
    }
    free(text);
    made_runs_release(&u, &r);
}

/* A set of 200 classes is CUB where its file is called so, too. */
static void test_published_numbers_stand_where_they_belong(void **state)
{
    const char *const sets[] = {"data.path=my/cub200.h5"};
    pt_config *c = NULL;
    pt_settings s;
    char *text;

    made_runs_file(".", "p.yaml", "network: {name: vgg16}\ndata: {path: mine.h5}\n");
    for (int cub = 0; cub < 2; cub++) {
        assert_int_equal(pt_config_load("p.yaml", sets, (size_t)cub, &c), PT_OK);
        assert_int_equal(pt_settings_create(c, &s), PT_OK);
        text = pt_published_text(&s, 200);
        assert_true((text != NULL) == (cub == 1));
        if (text)
            assert_non_null(strstr(text, "published: plain 75.07 (0.26); gain SML1"));
        free(text);
        assert_null(pt_published_text(&s, 199));
        pt_settings_fini(&s);
        pt_config_destroy(&c);
    }
    assert_int_equal(unlink("p.yaml"), 0);
}

static void test_the_gain_is_over_the_seeds_of_both_and_says_so(void **state)
{
    const made_run runs[] = {
        {"a", PLAIN, 1, 0.50, 1, -1, 0, NULL}, {"b", PLAIN, 2, 0.60, 1, -1, 0, NULL},
        {"c", PLAIN, 3, 0.90, 1, -1, 0, NULL}, {"d", SML1, 2, 0.62, 1, 5, 1, NULL},
        {"e", SML1, 1, 0.56, 1, 5, 1, NULL},   {"f", SML1, 7, 0.10, 1, 5, 1, NULL},
        {"g", L2, 8, 0.5, 1, 5, 1, NULL}};
    pt_finished_run *r = NULL;
    pt_summary *u;
    const pt_method_runs *m;

    made_runs_make(runs, COUNT(runs));
    u = made_runs_sum_up(&r);
    m = u->blocks[0].methods;
    assert_int_equal(m[1].gain.n, 2);
    assert_float_equal(m[1].gain.mean, 4, 1e-9); /* 6 and 2 */
    assert_float_equal(m[1].gain.std, sqrt(8), 1e-9);
    assert_float_equal(m[1].error_cut, 100 * 4. / 45, 1e-9); /* plain of 1 and 2: 55 */
    assert_int_equal(m[2].gain.n, 0);
    assert_true(isnan(m[2].gain.mean) && isnan(m[2].error_cut));
    assert_int_equal(u->blocks[0].n_notes, 2);
    assert_string_equal(
        u->blocks[0].notes[0],
        "PtR-SML1 has seeds 1 2 7, plain has seeds 1 2 3: the gain is over seeds 1 2");
    assert_string_equal(u->blocks[0].notes[1],
                        "PtR-L2 has seeds 8, plain has seeds 1 2 3: none in common, so "
                        "no gain");
    made_runs_release(&u, &r);
}

static void test_without_plain_runs_there_is_no_gain_and_a_note(void **state)
{
    const made_run runs[] = {{"a", SML1, 1, 0.6, 1, 4, 1, NULL}};
    char *text;

    made_runs_make(runs, 1);
    text = made_runs_table(PT_TABLE_TEXT);
    assert_non_null(
        strstr(text, "60.00 (-)           -        -  -            -      5.0"));
    assert_non_null(
        strstr(text, "\nnote: no plain runs to compare PtR-SML1 with, so no gain\n"));
    free(text);
}

static void test_a_gate_that_stayed_shut_is_said(void **state)
{
    const made_run runs[] = {{"a", PLAIN, 1, 0.6, 1, -1, 0, NULL},
                             {"b", PLAIN, 2, 0.6, 1, -1, 0, NULL},
                             {"c", SML1, 1, 0.6, 1, -1, 0, NULL},
                             {"d", SML1, 2, 0.6, 1, 8, 2, NULL},
                             {"e", L2, 1, 0.6, 1, -1, 0, NULL}};
    char *text;

    made_runs_make(runs, COUNT(runs));
    text = made_runs_table(PT_TABLE_TEXT);
    assert_non_null(strstr(text, "0.00      9.0  2  "));
    assert_non_null(strstr(text, "0.00    never  -  "));
    assert_non_null(
        strstr(text, "\nnote: PtR-SML1: the gate never opened in 1 of 2 runs\n"));
    assert_non_null(
        strstr(text, "\nnote: PtR-L2: the gate never opened in 1 of 1 runs\n"));
    free(text);
}

int main(void)
{
#define T(f) cmocka_unit_test_teardown(f, made_runs_remove)
    const struct CMUnitTest tests[] = {
        T(test_the_table_of_three_methods_agrees_with_the_sum_by_hand),
        T(test_markdown_holds_the_same_cells),
        T(test_one_run_has_no_deviation),
        T(test_other_methods_have_names_and_the_same_baseline),
        cmocka_unit_test(test_p_values_are_those_of_mpmath),
        T(test_csv_and_latex),
        T(test_csv_has_no_text_that_a_spreadsheet_would_run),
        T(test_published_numbers_stand_where_they_belong),
        T(test_the_gain_is_over_the_seeds_of_both_and_says_so),
        T(test_without_plain_runs_there_is_no_gain_and_a_note),
        T(test_a_gate_that_stayed_shut_is_said),
    };

    return cmocka_run_group_tests(tests, made_runs_enter, made_runs_leave);
}
