#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "launch/report/csv.h"
#include "launch/report/published.h"
#include "launch/report/significance.h"
#include "launch/report/table.h"

/* The tests run inside a temporary directory that holds the runs they make up. */
static char directory[] = "/tmp/pt_test_report_XXXXXX";

enum { MAX_RUNS = 16 };

static char made[MAX_RUNS][64]; /* [n_made] */
static size_t n_made;

static int enter(void **state)
{
    (void)state;
    return mkdtemp(directory) && chdir(directory) == 0 ? 0 : -1;
}

static int leave(void **state)
{
    (void)state;
    return chdir("/") == 0 && rmdir(directory) == 0 ? 0 : -1;
}

static void write_file(const char *dir, const char *name, const char *text)
{
    char path[256];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

static void make_dir(const char *dir)
{
    assert_true(n_made < MAX_RUNS);
    snprintf(made[n_made++], sizeof made[0], "%s", dir);
    assert_int_equal(mkdir(dir, 0777), 0);
}

static int remove_runs(void **state)
{
    static const char *const files[] = {"config.yaml", "result.json", "identity.json"};
    char path[2048];

    (void)state;
    for (size_t i = 0; i < n_made; i++) {
        for (int k = 0; k < 3; k++) {
            snprintf(path, sizeof path, "%s/%s", made[i], files[k]);
            unlink(path);
        }
        rmdir(made[i]);
    }
    n_made = 0;
    return 0;
}

typedef struct {
    const char *dir, *settings; /* settings: YAML of the top level */
    int seed;
    double test, train; /* train < 0: not measured */
    int gate;           /* -1: never */
    double w;
    const char *hash;
} made_up;

static void make_run(const made_up *m)
{
    char text[1024], train[64] = "", w[32] = "null";

    make_dir(m->dir);
    snprintf(text, sizeof text,
             "seed: %d\nrun: {dir: elsewhere/%s}\nnetwork: {name: resnet_small}\n%s",
             m->seed, m->dir, m->settings);
    write_file(m->dir, "config.yaml", text);
    if (m->train >= 0)
        snprintf(train, sizeof train, "\"train_accuracy\": %.4f, ", m->train);
    if (m->w > 0) snprintf(w, sizeof w, "%g", m->w);
    snprintf(text, sizeof text,
             "{\"test_accuracy\": %.4f, %s\"weight_hash\": \"%s\", \"seconds\": 20, "
             "\"images_per_s\": %d, \"gate_opened_at\": %d, \"mean_w\": %s, "
             "\"steps_with_w\": %d, \"per_class\": {}}",
             m->test, train, m->hash ? m->hash : m->dir, 100 + m->seed, m->gate, w,
             m->w > 0 ? 50 : 0);
    write_file(m->dir, "result.json", text);
}

static void make_runs(const made_up *m, size_t n)
{
    for (size_t i = 0; i < n; i++) make_run(&m[i]);
}

/* Reads all runs made so far and sums them up; *r goes back to the caller. */
static pt_summary *sum_up(pt_result **r)
{
    const char *dirs[MAX_RUNS];
    pt_summary *u = NULL;

    for (size_t i = 0; i < n_made; i++) dirs[i] = made[i];
    if (pt_results_read(dirs, n_made, r) != PT_OK) fail_msg("%s", pt_fail_text());
    if (pt_summary_create(*r, n_made, &u) != PT_OK) fail_msg("%s", pt_fail_text());
    return u;
}

static void release(pt_summary **u, pt_result **r)
{
    pt_summary_destroy(u);
    pt_results_destroy(r, n_made);
    assert_null(*u);
    assert_null(*r);
}

/* The table up to the legend. */
static char *table(pt_table_style style)
{
    char *text = NULL, *end;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    pt_result *r = NULL;
    pt_summary *u = sum_up(&r);

    assert_non_null(out);
    assert_int_equal(pt_table_print(u, style, out), PT_OK);
    fclose(out);
    end = strstr(text, "train, test: accuracy");
    assert_non_null(end);
    *end = '\0';
    release(&u, &r);
    return text;
}

#define PLAIN    "data: {path: d.h5}\n"
#define SML1     PLAIN "pseudo_task: {loss: sml1}\n"
#define L2       PLAIN "pseudo_task: {loss: l2}\n"
#define COUNT(a) (sizeof(a) / sizeof(a)[0])

/* By hand: plain 60 62 64: 62 (2). SML1 61 63.5 66: gains 1 1.5 2: 1.5 (0.5);
 * 150 / (100 - 62) = 3.947; t(0.975, 2) = 4.3027, times 0.5 / sqrt(3): 1.24; 2 of 8 signs
 * are as far. L2 58 62 66: gains -2 0 2: 0 (2). */
static const made_up three_methods[] = {
    {"a", PLAIN, 1, 0.60, 1, -1, 0, NULL},     {"b", PLAIN, 2, 0.62, 0.9, -1, 0, NULL},
    {"c", PLAIN, 3, 0.64, 0.95, -1, 0, NULL},  {"d", SML1, 3, 0.66, 0.9, 12, 0.5, NULL},
    {"e", SML1, 2, 0.635, 0.9, 13, 0.7, NULL}, {"f", SML1, 1, 0.61, 0.9, 20, 0.9, NULL},
    {"g", L2, 1, 0.58, -1, 10, 1, NULL},       {"h", L2, 2, 0.62, -1, 10, 1, NULL},
    {"i", L2, 3, 0.66, -1, 10, 1, NULL},
};

static void test_the_table_of_three_methods_agrees_with_the_sum_by_hand(void **state)
{
    char *text;

    (void)state;
    make_runs(three_methods, COUNT(three_methods));
    text = table(PT_TABLE_TEXT);
    assert_string_equal(
        text, "resnet_small on d.h5\n"
              "method    runs  train %  test % (std)    gain (std)  +- 95 %     p"
              "  error cut %  gate at    w  images/s  time s\n"
              "plain        3    95.00  62.00 (2.00)             -        -     -"
              "            -        -    -     102.0    20.0\n"
              "PtR-SML1     3    90.00  63.50 (2.50)  +1.50 (0.50)     1.24  0.25"
              "         3.95     15.0  0.7     102.0    20.0\n"
              "PtR-L2       3        -  62.00 (4.00)  +0.00 (2.00)     4.97     1"
              "         0.00     10.0    1     102.0    20.0\n"
              "\n");
    free(text);
}

static void test_markdown_holds_the_same_cells(void **state)
{
    char *text;

    (void)state;
    make_runs(three_methods, COUNT(three_methods));
    text = table(PT_TABLE_MARKDOWN);
    assert_string_equal(
        text,
        "### resnet\\_small on d.h5\n\n"
        "| method | runs | train % | test % (std) | gain (std) | +- 95 % | p "
        "| error cut % | gate at | w | images/s | time s |\n"
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n"
        "| plain | 3 | 95.00 | 62.00 (2.00) | - | - | - | - | - | - | 102.0 | 20.0 |\n"
        "| PtR-SML1 | 3 | 90.00 | 63.50 (2.50) | +1.50 (0.50) | 1.24 | 0.25 | 3.95 | "
        "15.0 "
        "| 0.7 | 102.0 | 20.0 |\n"
        "| PtR-L2 | 3 | - | 62.00 (4.00) | +0.00 (2.00) | 4.97 | 1 | 0.00 | 10.0 | 1 "
        "| 102.0 | 20.0 |\n"
        "\n");
    free(text);
}

static void test_one_run_has_no_deviation(void **state)
{
    const made_up runs[] = {{"a", PLAIN, 1, 0.6, 1, -1, 0, NULL},
                            {"b", SML1, 1, 0.7, 1, 5, 0.25, NULL}};
    char *text;

    (void)state;
    make_runs(runs, 2);
    text = table(PT_TABLE_TEXT);
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
    const made_up runs[] = {
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
         1, 0.3, 1, -1, 0, NULL}};
    static const char *const names[] = {"plain",
                                        "mixup",
                                        "L2-SP",
                                        "LP-FT",
                                        "PtR-L2 + FNP weight=0.001",
                                        "PtR-L2 + FNP weight=0.01"};
    pt_result *r = NULL;
    pt_summary *u;

    make_runs(runs, COUNT(runs));
    u = sum_up(&r);
    assert_int_equal(u->n_blocks, 1);
    assert_int_equal(u->blocks[0].n_methods, COUNT(names));
    for (size_t i = 0; i < COUNT(names); i++) {
        const pt_method *m = &u->blocks[0].methods[i];

        assert_string_equal(m->name, names[i]);
        if (i > 0) assert_ptr_equal(m->baseline, &u->blocks[0].methods[0]);
    }
    assert_int_equal(u->blocks[0].n_notes, 0);
    release(&u, &r);
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
    for (int i = 0; i < 15; i++) fifteen[i] = i < 14 ? 1 : -1; /* sum 13: one minus */
    assert_true(pt_sign_flip_p(fifteen, 15) == 2. * 16 / 32768);
}

static void test_csv_and_latex(void **state)
{
    const made_up runs[] = {
        {"a", "data: {path: d.h5, per_class: 10}\n", 1, 0.6, -1, -1, 0, NULL}};
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    pt_result *r = NULL;
    pt_summary *u;

    make_runs(runs, 1);
    u = sum_up(&r);
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
    release(&u, &r);
}

/* A set of 200 classes is CUB where its file is called so, too. */
static void test_published_numbers_stand_where_they_belong(void **state)
{
    const char *const sets[] = {"data.path=my/cub200.h5"};
    pt_config *c = NULL;
    pt_settings s;
    char *text;

    write_file(".", "p.yaml", "network: {name: vgg16}\ndata: {path: mine.h5}\n");
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
    const made_up runs[] = {
        {"a", PLAIN, 1, 0.50, 1, -1, 0, NULL}, {"b", PLAIN, 2, 0.60, 1, -1, 0, NULL},
        {"c", PLAIN, 3, 0.90, 1, -1, 0, NULL}, {"d", SML1, 2, 0.62, 1, 5, 1, NULL},
        {"e", SML1, 1, 0.56, 1, 5, 1, NULL},   {"f", SML1, 7, 0.10, 1, 5, 1, NULL},
        {"g", L2, 8, 0.5, 1, 5, 1, NULL}};
    pt_result *r = NULL;
    pt_summary *u;
    const pt_method *m;

    (void)state;
    make_runs(runs, COUNT(runs));
    u = sum_up(&r);
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
    release(&u, &r);
}

static void test_without_plain_runs_there_is_no_gain_and_a_note(void **state)
{
    const made_up runs[] = {{"a", SML1, 1, 0.6, 1, 4, 1, NULL}};
    char *text;

    (void)state;
    make_runs(runs, 1);
    text = table(PT_TABLE_TEXT);
    assert_non_null(
        strstr(text, "60.00 (-)           -        -  -            -      4.0"));
    assert_non_null(
        strstr(text, "\nnote: no plain runs to compare PtR-SML1 with, so no gain\n"));
    free(text);
}

static void test_a_gate_that_stayed_shut_is_said(void **state)
{
    const made_up runs[] = {{"a", PLAIN, 1, 0.6, 1, -1, 0, NULL},
                            {"b", PLAIN, 2, 0.6, 1, -1, 0, NULL},
                            {"c", SML1, 1, 0.6, 1, -1, 0, NULL},
                            {"d", SML1, 2, 0.6, 1, 8, 2, NULL},
                            {"e", L2, 1, 0.6, 1, -1, 0, NULL}};
    char *text;

    (void)state;
    make_runs(runs, COUNT(runs));
    text = table(PT_TABLE_TEXT);
    assert_non_null(strstr(text, "0.00      8.0  2  "));
    assert_non_null(strstr(text, "0.00    never  -  "));
    assert_non_null(
        strstr(text, "\nnote: PtR-SML1: the gate never opened in 1 of 2 runs\n"));
    assert_non_null(
        strstr(text, "\nnote: PtR-L2: the gate never opened in 1 of 1 runs\n"));
    free(text);
}

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
    pt_result *r = NULL;
    pt_summary *u = sum_up(&r);
    char *text = names(&u->blocks[0]);

    assert_int_equal(u->n_blocks, 1);
    assert_string_equal(text, expected);
    free(text);
    release(&u, &r);
}

static void test_a_method_is_named_by_what_differs_and_only_that(void **state)
{
    const made_up runs[] = {
        {"a", PLAIN "pseudo_task: {ratio: 3, target: zero}\n", 1, .5, 1, -1, 0, NULL},
        {"b", PLAIN, 2, .5, 1, -1, 0, NULL}, /* a plain run's ratio means nothing */
        {"c", SML1, 1, .5, 1, 1, 1, NULL},
        {"d", PLAIN "pseudo_task: {loss: sml1, ratio: 5}\n", 1, .5, 1, 1, 1, NULL},
        {"e", PLAIN "pseudo_task: {loss: sml1, gate: always}\n", 1, .5, 1, 1, 1, NULL},
        {"f", PLAIN "pseudo_task: {loss: l2, target: zero}\n", 1, .5, 1, 1, 1, NULL}};

    (void)state;
    make_runs(runs, COUNT(runs));
    expect_names("plain\n"
                 "PtR-SML1 R=5 target=uniform gate=ema (plain)\n"
                 "PtR-SML1 R=10 target=uniform no gate (plain)\n"
                 "PtR-SML1 R=10 target=uniform gate=ema (plain)\n"
                 "PtR-L2 R=10 target=zero gate=ema (plain)\n");
}

static void test_each_weight_decay_and_batch_norm_has_its_own_baseline(void **state)
{
    const made_up runs[] = {
        {"a", PLAIN, 1, .5, 1, -1, 0, NULL},
        {"b", SML1, 1, .5, 1, 1, 1, NULL},
        {"c", PLAIN "optimizer: {weight_decay: 0}\n", 1, .5, 1, -1, 0, NULL},
        {"d", SML1 "optimizer: {weight_decay: 0}\n", 1, .5, 1, 1, 1, NULL},
        {"e", SML1 "optimizer: {weight_decay: 0.001}\n", 1, .5, 1, 1, 1, NULL}};

    (void)state;
    make_runs(runs, COUNT(runs));
    expect_names("plain wd=0\n"
                 "PtR-SML1 wd=0 (plain wd=0)\n"
                 "plain wd=0.0005\n"
                 "PtR-SML1 wd=0.0005 (plain wd=0.0005)\n"
                 "PtR-SML1 wd=0.001\n");
}

static void test_runs_of_another_protocol_get_a_block_of_their_own(void **state)
{
    const made_up runs[] = {
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
    pt_result *r = NULL;
    pt_summary *u;

    (void)state;
    make_runs(runs, COUNT(runs));
    u = sum_up(&r);
    assert_int_equal(u->n_blocks, COUNT(titles));
    for (size_t i = 0; i < COUNT(titles); i++)
        assert_string_equal(u->blocks[i].title, titles[i]);
    assert_int_equal(u->blocks[0].n_methods, 2); /* c and g */
    assert_int_equal(u->blocks[1].n_methods, 2);
    assert_ptr_equal(u->blocks[1].methods[1].baseline, &u->blocks[1].methods[0]);
    release(&u, &r);
}

static void test_a_repeated_run_counts_once(void **state)
{
    const made_up runs[] = {
        {"a", PLAIN, 1, 0.60, 1, -1, 0, "abc"},
        {"b", PLAIN "engine: {workers: 2}\n", 1, 0.60, 1, -1, 0, "abc"},
        {"c", PLAIN, 2, 0.70, 1, -1, 0, "def"}};
    pt_result *r = NULL;
    pt_summary *u;

    (void)state;
    make_runs(runs, COUNT(runs));
    u = sum_up(&r);
    assert_int_equal(u->blocks[0].methods[0].n_runs, 2);
    assert_float_equal(u->blocks[0].methods[0].test.mean, 65, 1e-9);
    assert_int_equal(u->blocks[0].n_notes, 1);
    assert_string_equal(u->blocks[0].notes[0],
                        "b repeats a (seed 1, same weight hash): counted once");
    release(&u, &r);
}

static void test_a_repeated_run_with_other_weights_is_refused(void **state)
{
    const made_up runs[] = {{"a", PLAIN, 1, 0.60, 1, -1, 0, "abc"},
                            {"b", PLAIN, 1, 0.61, 1, -1, 0, "abd"}};
    const char *dirs[] = {"a", "b"};
    pt_result *r = NULL;
    pt_summary *u = NULL;

    (void)state;
    make_runs(runs, COUNT(runs));
    assert_int_equal(pt_results_read(dirs, 2, &r), PT_OK);
    assert_int_equal(pt_summary_create(r, 2, &u), PT_ERR_DATA);
    assert_null(u);
    assert_string_equal(pt_fail_text(),
                        "a and b have the same settings and seed 1, but other weights");
    pt_results_destroy(&r, 2);
}

static void test_all_faulty_directories_are_named_at_once(void **state)
{
    const made_up good = {"good", PLAIN, 1, 0.6, 1, -1, 0, NULL},
                  wrong = {"wrong", "optimizer: {lr: -1}\n", 1, 0.6, 1, -1, 0, NULL};
    const char *dirs[] = {"good/", "none", "cut/", "other", "wrong", "half"};
    pt_result *r = NULL;

    (void)state;
    make_run(&good);
    make_run(&wrong);
    make_dir("cut");
    write_file("cut", "identity.json", "{}");
    make_dir("other");
    make_dir("half");
    write_file("half", "result.json",
               "{\"test_accuracy\": \"x\", \"images_per_s\": 1, "
               "\"seconds\": 1, \"mean_w\": null, "
               "\"gate_opened_at\": -1, \"weight_hash\": \"\"}");
    assert_int_equal(pt_results_read(dirs, COUNT(dirs), &r), PT_ERR_DATA);
    assert_null(r);
    assert_string_equal(
        pt_fail_text(),
        "none: No such file or directory\n"
        "cut: this run has not finished (no result.json)\n"
        "other: not a run's directory (no result.json)\n"
        "wrong/config.yaml:4:17: error: optimizer.lr must be > 0, not -1\n"
        "half/result.json: test_accuracy is not a number\n"
        "half/result.json: steps_with_w is not there");
}

static void test_a_result_that_is_not_json_is_refused(void **state)
{
    const made_up good = {"good", PLAIN, 1, 0.6, 1, -1, 0, NULL};
    const char *dirs[] = {"good"};
    pt_result *r = NULL;

    (void)state;
    make_run(&good);
    write_file("good", "result.json", "{\n\"test_accuracy\": 0.");
    assert_int_equal(pt_results_read(dirs, 1, &r), PT_ERR_DATA);
    assert_non_null(strstr(pt_fail_text(), "good/result.json: line 2: not JSON: "));
}

static void test_a_statistic_leaves_out_what_is_not_a_number(void **state)
{
    const double x[] = {1, NAN, 2, 6};
    pt_stat s = pt_stat_of(x, 4);

    (void)state;
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
#define T(f) cmocka_unit_test_teardown(f, remove_runs)
    const struct CMUnitTest tests[] = {
        T(test_the_table_of_three_methods_agrees_with_the_sum_by_hand),
        T(test_markdown_holds_the_same_cells),
        T(test_one_run_has_no_deviation),
        T(test_other_methods_have_names_and_the_same_baseline),
        cmocka_unit_test(test_p_values_are_those_of_mpmath),
        T(test_csv_and_latex),
        T(test_published_numbers_stand_where_they_belong),
        T(test_the_gain_is_over_the_seeds_of_both_and_says_so),
        T(test_without_plain_runs_there_is_no_gain_and_a_note),
        T(test_a_gate_that_stayed_shut_is_said),
        T(test_a_method_is_named_by_what_differs_and_only_that),
        T(test_each_weight_decay_and_batch_norm_has_its_own_baseline),
        T(test_runs_of_another_protocol_get_a_block_of_their_own),
        T(test_a_repeated_run_counts_once),
        T(test_a_repeated_run_with_other_weights_is_refused),
        T(test_all_faulty_directories_are_named_at_once),
        T(test_a_result_that_is_not_json_is_refused),
        T(test_a_statistic_leaves_out_what_is_not_a_number),
    };

    return cmocka_run_group_tests(tests, enter, leave);
}
