/* Which runs a report puts together: names, baselines, protocols, and what it refuses. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/launch/made_runs.h"

#define PLAIN    MADE_RUNS_PLAIN
#define SML1     MADE_RUNS_SML1
#define L2       MADE_RUNS_L2
#define COUNT(a) (sizeof(a) / sizeof(a)[0])

/* The names of a block's methods, each followed by that of its baseline. */
static char *names(const pt_block *b)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);

    assert_non_null(out);
    for (size_t i = 0; i < b->n_methods; i++)
        fprintf(out, "%s%s%s%s\n", b->methods[i].name, b->methods[i].baseline ? " (" : "",
                b->methods[i].baseline ? b->methods[i].baseline->name : "",
                b->methods[i].baseline ? ")" : "");
    fclose(out);
    return text;
}

static void expect_names(const char *expected)
{
    pt_finished_run *r = NULL;
    pt_summary *u = made_runs_sum_up(&r);
    char *text = names(&u->blocks[0]);

    assert_int_equal(u->n_blocks, 1);
    assert_string_equal(text, expected);
    free(text);
    made_runs_release(&u, &r);
}

static void test_a_method_is_named_by_what_differs_and_only_that(void **state)
{
    const made_run runs[] = {
        {"a", PLAIN "pseudo_task: {ratio: 3, target: zero}\n", 1, .5, 1, -1, 0, NULL},
        {"b", PLAIN, 2, .5, 1, -1, 0, NULL}, /* a plain run's ratio means nothing */
        {"c", SML1, 1, .5, 1, 1, 1, NULL},
        {"d", PLAIN "pseudo_task: {loss: sml1, ratio: 5}\n", 1, .5, 1, 1, 1, NULL},
        {"e", PLAIN "pseudo_task: {loss: sml1, gate: always}\n", 1, .5, 1, 1, 1, NULL},
        {"f", PLAIN "pseudo_task: {loss: l2, target: zero}\n", 1, .5, 1, 1, 1, NULL}};

    made_runs_make(runs, COUNT(runs));
    expect_names("plain\n"
                 "PtR-SML1 R=5 target=uniform gate=ema (plain)\n"
                 "PtR-SML1 R=10 target=uniform no gate (plain)\n"
                 "PtR-SML1 R=10 target=uniform gate=ema (plain)\n"
                 "PtR-L2 R=10 target=zero gate=ema (plain)\n");
}

static void test_each_weight_decay_and_batch_norm_has_its_own_baseline(void **state)
{
    const made_run runs[] = {
        {"a", PLAIN, 1, .5, 1, -1, 0, NULL},
        {"b", SML1, 1, .5, 1, 1, 1, NULL},
        {"c", PLAIN "optimizer: {weight_decay: 0}\n", 1, .5, 1, -1, 0, NULL},
        {"d", SML1 "optimizer: {weight_decay: 0}\n", 1, .5, 1, 1, 1, NULL},
        {"e", SML1 "optimizer: {weight_decay: 0.001}\n", 1, .5, 1, 1, 1, NULL}};

    made_runs_make(runs, COUNT(runs));
    expect_names("plain wd=0\n"
                 "PtR-SML1 wd=0 (plain wd=0)\n"
                 "plain wd=0.0005\n"
                 "PtR-SML1 wd=0.0005 (plain wd=0.0005)\n"
                 "PtR-SML1 wd=0.001\n");
}

static void test_runs_of_another_protocol_get_a_block_of_their_own(void **state)
{
    const made_run runs[] = {
        {"a", PLAIN "optimizer: {lr: 0.1}\n", 1, .5, 1, -1, 0, NULL},
        {"b", SML1 "optimizer: {lr: 0.1}\n", 1, .5, 1, 1, 1, NULL},
        {"c", SML1, 1, .5, 1, 1, 1, NULL},
        {"d", "data: {path: d.h5, per_class: 10}\n", 1, .5, 1, -1, 0, NULL},
        {"e", "data: {path: e.h5}\nstages: [{epochs: 3}]\n", 1, .5, 1, -1, 0, NULL},
        {"f", "data: {path: e.h5}\n", 1, .5, 1, -1, 0, NULL},
        /* how it was computed does not matter */
        {"g", PLAIN "engine: {threads: 4}\nevaluation: {train_split: true}\n", 2, .5, 1,
         -1, 0, NULL}};
    static const char *const titles[] = {"resnet_small on d.h5, optimizer.lr=0.01",
                                         "resnet_small on d.h5, optimizer.lr=0.1",
                                         "resnet_small on d.h5, 10 images per class",
                                         "resnet_small on e.h5, no stages.0.epochs",
                                         "resnet_small on e.h5, stages.0.epochs=3"};
    pt_finished_run *r = NULL;
    pt_summary *u;

    made_runs_make(runs, COUNT(runs));
    u = made_runs_sum_up(&r);
    assert_int_equal(u->n_blocks, COUNT(titles));
    for (size_t i = 0; i < COUNT(titles); i++)
        assert_string_equal(u->blocks[i].title, titles[i]);
    assert_int_equal(u->blocks[0].n_methods, 2); /* c and g */
    assert_int_equal(u->blocks[1].n_methods, 2);
    assert_ptr_equal(u->blocks[1].methods[1].baseline, &u->blocks[1].methods[0]);
    made_runs_release(&u, &r);
}

/* The number of blocks of two plain runs of other seeds, whose settings end in these. */
static size_t blocks_of(const char *a, const char *b)
{
    const made_run runs[] = {{"a", a, 1, .5, 1, -1, 0, NULL},
                             {"b", b, 2, .5, 1, -1, 0, NULL}};
    pt_finished_run *r = NULL;
    size_t n;
    pt_summary *u;

    made_runs_make(runs, COUNT(runs));
    u = made_runs_sum_up(&r);
    n = u->n_blocks;
    made_runs_release(&u, &r);
    made_runs_remove(NULL);
    return n;
}

static void test_what_changes_the_weights_is_not_put_together(void **state)
{
    static const char *const other[] = {
        "engine: {precision: bf16}\n", "engine: {gemm: blas}\n",
        "engine: {winograd: false}\n", "server: {wire: bf16}\n"};
    static const char *const same[] = {
        "engine: {threads: 3, workers: 2}\n",
        "server: {ranks: 2, placement: first, shared_memory: false, factors: off}\n",
        "evaluation: {every_epochs: 3}\n"};
    static const char stop[] = "early_stopping: {patience: 2}\n"
                               "data: {validation_share: 0.5}\n"
                               "evaluation: {every_epochs: 1}\n",
                      later[] = "early_stopping: {patience: 2}\n"
                                "data: {validation_share: 0.5}\n"
                                "evaluation: {every_epochs: 3}\n";

    for (size_t i = 0; i < COUNT(other); i++)
        assert_int_equal(blocks_of("average: {kind: none}\n", other[i]), 2);
    for (size_t i = 0; i < COUNT(same); i++)
        assert_int_equal(blocks_of("average: {kind: none}\n", same[i]), 1);
    assert_int_equal(blocks_of(stop, later), 2);
}

static void test_runs_of_other_data_under_one_name_are_not_put_together(void **state)
{
    const made_run runs[] = {{"a", PLAIN, 1, .5, 1, -1, 0, NULL},
                             {"b", SML1, 1, .5, 1, 1, 1, NULL},
                             {"c", SML1, 2, .5, 1, 1, 1, NULL}};
    pt_finished_run *r = NULL;
    pt_summary *u;

    made_runs_make(runs, COUNT(runs));
    made_runs_file("a", "identity.json", "{\"data_checksum\": \"aaaaaaaaaaaaaaaa\"}");
    made_runs_file("b", "identity.json", "{\"data_checksum\": \"bbbbbbbbbbbbbbbb\"}");
    made_runs_file("c", "identity.json", "{\"data_checksum\": \"aaaaaaaaaaaaaaaa\"}");
    u = made_runs_sum_up(&r);
    assert_int_equal(u->n_blocks, 2);
    assert_string_equal(u->blocks[0].title,
                        "resnet_small on d.h5, data_checksum=aaaaaaaaaaaa");
    assert_int_equal(u->blocks[0].n_methods, 2); /* a and c */
    assert_null(u->blocks[1].methods[0].baseline);
    made_runs_release(&u, &r);
}

static void test_a_repeated_run_counts_once(void **state)
{
    const made_run runs[] = {
        {"a", PLAIN, 1, 0.60, 1, -1, 0, "abc"},
        {"b", PLAIN "engine: {workers: 2}\n", 1, 0.60, 1, -1, 0, "abc"},
        {"c", PLAIN, 2, 0.70, 1, -1, 0, "def"}};
    pt_finished_run *r = NULL;
    pt_summary *u;

    made_runs_make(runs, COUNT(runs));
    u = made_runs_sum_up(&r);
    assert_int_equal(u->blocks[0].methods[0].n_runs, 2);
    assert_float_equal(u->blocks[0].methods[0].test.mean, 65, 1e-9);
    assert_int_equal(u->blocks[0].n_notes, 1);
    assert_string_equal(u->blocks[0].notes[0],
                        "b repeats a (seed 1, same weight hash): counted once");
    made_runs_release(&u, &r);
}

static void test_a_repeated_run_with_other_weights_is_refused(void **state)
{
    const made_run runs[] = {{"a", PLAIN, 1, 0.60, 1, -1, 0, "abc"},
                             {"b", PLAIN, 1, 0.61, 1, -1, 0, "abd"}};
    const char *dirs[] = {"a", "b"};
    pt_finished_run *r = NULL;
    pt_summary *u = NULL;
    size_t n = 0;

    made_runs_make(runs, COUNT(runs));
    assert_int_equal(pt_finished_runs_read(dirs, 2, &r, &n), PT_OK);
    assert_int_equal(pt_summary_create(r, 2, &u), PT_ERR_DATA);
    assert_null(u);
    assert_string_equal(
        pt_fail_text(),
        "a and b have the same settings and seed 1, but different weights");
    pt_finished_runs_destroy(&r, 2);
}

/* A warning each, in place of the log's. */
static char warned[1024];

void __wrap_pt_log_warn(const char *fmt, ...);
void __wrap_pt_log_warn(const char *fmt, ...)
{
    size_t n = strlen(warned);
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(warned + n, sizeof warned - n, fmt, ap);
    va_end(ap);
    strncat(warned, "\n", sizeof warned - strlen(warned) - 1);
}

static void test_what_is_no_finished_run_is_left_out_with_a_warning(void **state)
{
    const made_run good = {"good", PLAIN, 1, 0.6, 1, -1, 0, NULL},
                   better = {"better", PLAIN, 2, 0.7, 1, -1, 0, NULL};
    const char *dirs[] = {"none", "good/", "cut/", "other", "better"};
    pt_finished_run *r = NULL;
    size_t n = 0;

    made_runs_make(&good, 1);
    made_runs_make(&better, 1);
    made_runs_dir("cut");
    made_runs_file("cut", "identity.json", "{}");
    made_runs_dir("other");
    warned[0] = '\0';
    assert_int_equal(pt_finished_runs_read(dirs, COUNT(dirs), &r, &n), PT_OK);
    assert_int_equal(n, 2);
    assert_string_equal(r[0].dir, "good");
    assert_string_equal(r[1].dir, "better");
    assert_string_equal(warned,
                        "none: No such file or directory: left out\n"
                        "cut: this run has not finished (no result.json): left out\n"
                        "other: not a run directory (no result.json): left out\n");
    pt_finished_runs_destroy(&r, n);
}

static void test_without_a_finished_run_there_is_no_report(void **state)
{
    const char *dirs[] = {"none", "cut"};
    pt_finished_run *r = NULL;
    size_t n = 7;

    made_runs_dir("cut");
    made_runs_file("cut", "identity.json", "{}");
    warned[0] = '\0';
    assert_int_equal(pt_finished_runs_read(dirs, COUNT(dirs), &r, &n), PT_ERR_DATA);
    assert_null(r);
    assert_int_equal(n, 0);
    assert_string_equal(pt_fail_text(),
                        "none: No such file or directory\n"
                        "cut: this run has not finished (no result.json)");
    assert_string_equal(warned, "");
}

static void test_all_faults_of_finished_runs_are_named_at_once(void **state)
{
    const made_run good = {"good", PLAIN, 1, 0.6, 1, -1, 0, NULL},
                   wrong = {"wrong", "optimizer: {lr: -1}\n", 1, 0.6, 1, -1, 0, NULL};
    const char *dirs[] = {"good/", "wrong", "half"};
    pt_finished_run *r = NULL;
    size_t n = 0;

    made_runs_make(&good, 1);
    made_runs_make(&wrong, 1);
    made_runs_dir("half");
    made_runs_file("half", "result.json",
                   "{\"test_accuracy\": \"x\", \"images_per_s\": 1, "
                   "\"seconds\": 1, \"mean_w\": null, "
                   "\"gate_opened_at\": -1, \"weight_hash\": \"\"}");
    assert_int_equal(pt_finished_runs_read(dirs, COUNT(dirs), &r, &n), PT_ERR_DATA);
    assert_null(r);
    assert_string_equal(
        pt_fail_text(),
        "wrong/config.yaml:4:17: error: optimizer.lr must be > 0, not -1\n"
        "half/result.json: test_accuracy is not a number\n"
        "half/result.json: steps_with_w is not there");
}

static void test_a_result_that_is_not_json_is_refused(void **state)
{
    const made_run good = {"good", PLAIN, 1, 0.6, 1, -1, 0, NULL};
    const char *dirs[] = {"good"};
    pt_finished_run *r = NULL;
    size_t n = 0;

    made_runs_make(&good, 1);
    made_runs_file("good", "result.json", "{\n\"test_accuracy\": 0.");
    assert_int_equal(pt_finished_runs_read(dirs, 1, &r, &n), PT_ERR_DATA);
    assert_non_null(strstr(pt_fail_text(), "good/result.json: line 2: not JSON: "));
}

static void test_a_statistic_leaves_out_what_is_not_a_number(void **state)
{
    const double x[] = {1, NAN, 2, 6};
    pt_stat s = pt_stat_of(x, 4);

    assert_int_equal(s.n, 3);
    assert_float_equal(s.mean, 3, 1e-12);
    assert_float_equal(s.std, sqrt(7), 1e-12); /* (4 + 1 + 9) / 2 */
    s = pt_stat_of(x, 1);
    assert_true(s.mean == 1 && isnan(s.std));
    s = pt_stat_of(x, 0);
    assert_true(isnan(s.mean) && isnan(s.std));
}

int main(void)
{
#define T(f) cmocka_unit_test_teardown(f, made_runs_remove)
    const struct CMUnitTest tests[] = {
        T(test_a_method_is_named_by_what_differs_and_only_that),
        T(test_each_weight_decay_and_batch_norm_has_its_own_baseline),
        T(test_runs_of_another_protocol_get_a_block_of_their_own),
        T(test_what_changes_the_weights_is_not_put_together),
        T(test_runs_of_other_data_under_one_name_are_not_put_together),
        T(test_a_repeated_run_counts_once),
        T(test_a_repeated_run_with_other_weights_is_refused),
        T(test_what_is_no_finished_run_is_left_out_with_a_warning),
        T(test_without_a_finished_run_there_is_no_report),
        T(test_all_faults_of_finished_runs_are_named_at_once),
        T(test_a_result_that_is_not_json_is_refused),
        T(test_a_statistic_leaves_out_what_is_not_a_number),
    };

    return cmocka_run_group_tests(tests, made_runs_enter, made_runs_leave);
}
