/* What the page of a report is made of: colours, links, tests over the epochs, mistakes,
 * where runs come from. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/base/file.h"
#include "common/data/h5file.h"
#include "launch/report/course.h"
#include "launch/report/curves.h"
#include "launch/report/dots.h"
#include "launch/report/links.h"
#include "launch/report/mistakes.h"
#include "launch/report/provenance.h"
#include "launch/report/styles.h"
#include "tests/launch/made_runs.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define PLAIN    MADE_RUNS_PLAIN
#define SML1     MADE_RUNS_SML1
#define L2       MADE_RUNS_L2
#define FNP      PLAIN "regularizers: {fnp: {weight: 0.001}}\n"

/* The style of the method with this name. */
static int style_of(const pt_summary *u, const char *name)
{
    for (size_t i = 0; i < u->blocks[0].n_methods; i++)
        if (strcmp(u->blocks[0].methods[i].name, name) == 0)
            return u->blocks[0].methods[i].style;
    fail_msg("no method %s", name);
    return -1;
}

static void test_a_method_has_its_colour_whatever_it_is_compared_with(void **state)
{
    const made_run all[] = {{"a", PLAIN, 1, .5, 1, -1, 0, NULL},
                            {"b", FNP, 1, .5, 1, -1, 0, NULL},
                            {"c", SML1, 1, .5, 1, 1, 1, NULL},
                            {"d", L2, 1, .5, 1, 1, 1, NULL}};
    pt_finished_run *r = NULL;
    pt_summary *u;
    int sml1, l2;

    made_runs_make(all, COUNT(all));
    u = made_runs_sum_up(&r);
    sml1 = style_of(u, "PtR-SML1");
    l2 = style_of(u, "PtR-L2");
    assert_int_equal(style_of(u, "plain"), 0);
    assert_true(sml1 != l2 && style_of(u, "FNP") != l2 && style_of(u, "FNP") != sml1);
    made_runs_release(&u, &r);
    made_runs_remove(state);
    made_runs_make(all + 3, 1);
    u = made_runs_sum_up(&r);
    assert_int_equal(style_of(u, "PtR-L2"), l2);
    made_runs_release(&u, &r);
}

static void test_methods_that_would_share_a_style_do_not(void **state)
{
    char settings[12][128];
    made_run runs[12];
    pt_finished_run *r = NULL;
    pt_summary *u;
    bool seen[PT_COLOURS * PT_DASHES] = {false};

    for (int i = 0; i < 12; i++) {
        static const char *const names[] = {"a", "b", "c", "d", "e", "f",
                                            "g", "h", "i", "j", "k", "l"};

        snprintf(settings[i], sizeof settings[i],
                 PLAIN "pseudo_task: {loss: l2, ratio: %d}\n", i + 2);
        runs[i] = (made_run){names[i], settings[i], 1, .5, 1, 1, 1, NULL};
    }
    made_runs_make(runs, 12);
    u = made_runs_sum_up(&r);
    for (size_t i = 0; i < 12; i++) {
        int style = u->blocks[0].methods[i].style;

        assert_true(style > 0 && style < PT_COLOURS * PT_DASHES && !seen[style]);
        seen[style] = true;
    }
    made_runs_release(&u, &r);
}

static void expect_link(const char *page, const char *dir, const char *link)
{
    char *text = pt_link_to(page, dir);

    if (link)
        assert_string_equal(text, link);
    else
        assert_null(text);
    free(text);
}

static void test_links_are_relative_to_the_page(void **state)
{
    made_runs_dir("a");
    made_runs_dir("a/b #c");
    expect_link("page.html", "a", "a/");
    expect_link("page.html", "a/b #c", "a/b%20%23c/");
    expect_link("a/page.html", "a", "./");
    expect_link("a/b #c/page.html", "a", "../");
    expect_link("a/page.html", "a/../a/b #c", "b%20%23c/");
    expect_link("page.html", "no", NULL);
    expect_link("no/page.html", "a", NULL);
    assert_int_equal(rmdir("a/b #c"), 0);
}

#define STEP(k, epoch) "{\"step\": " #k ", \"epoch\": " #epoch ", \"ce\": 1}\n"
#define TEST(set, k, accuracy)                                                           \
    "{\"test_of\": \"" set "\", \"step\": " #k ", \"accuracy\": " #accuracy "}\n"

#define SECOND(k) /* a test of a second set of weights */                                \
    "{\"weights\": \"ema\", \"tested_on\": \"test\", \"step\": " #k                      \
    ", \"accuracy\": 0.1, \"ce\": 9}\n"

static void test_tests_stand_at_the_epochs_that_all_runs_were_tested_after(void **state)
{
    const made_run runs[] = {{"a", PLAIN, 1, .5, 1, -1, 0, NULL},
                             {"b", PLAIN, 2, .5, 1, -1, 0, NULL}};
    const pt_method_runs *m;
    pt_finished_run *r = NULL;
    pt_summary *u;
    pt_course c;

    made_runs_make(runs, 2);
    made_runs_file("a", "metrics.jsonl",
                   STEP(0, 0) STEP(1, 0.5) TEST("train", 1, 0.9) TEST("test", 1, 0.25)
                       STEP(2, 1) STEP(3, 1.5) SECOND(3) TEST("test", 3, 0.5));
    made_runs_file("b", "metrics.jsonl",
                   STEP(0, 0) STEP(1, 0.5) STEP(2, 1) TEST("test", 2, 0.125) STEP(3, 1.5)
                       TEST("test", 3, 0.75));
    u = made_runs_sum_up(&r);
    m = &u->blocks[0].methods[0];
    assert_int_equal(pt_course_read(m, "test", &c), PT_OK);
    assert_int_equal(c.n, 1);
    assert_true(c.epoch[0] == 2 && c.mean[0] == 62.5 && c.low[0] == 50 &&
                c.high[0] == 75);
    pt_course_fini(&c);
    assert_int_equal(pt_course_read(m, "validation", &c), PT_OK);
    assert_int_equal(c.n, 0);
    pt_course_fini(&c);
    made_runs_release(&u, &r);
}

static void test_a_bin_of_steps_stands_at_its_middle(void **state)
{
    const made_run run = {"a", PLAIN, 1, .5, 1, -1, 0, NULL};
    pt_finished_run *r = NULL;
    pt_curves *c = NULL;
    pt_summary *u;

    made_runs_make(&run, 1);
    made_runs_file("a", "metrics.jsonl", STEP(0, 0) STEP(1, 0.5) SECOND(1) STEP(319, 9));
    u = made_runs_sum_up(&r);
    assert_int_equal(pt_curves_read(&u->blocks[0].methods[0], &c), PT_OK);
    assert_int_equal(c->n, PT_CURVE_BINS); /* two steps each */
    assert_true(c->step[0] == 1.5 && c->step[159] == 319.5);
    assert_true(c->mean[PT_CURVE_CE][0] == 1 && isnan(c->mean[PT_CURVE_CE][1]));
    free(c);
    made_runs_release(&u, &r);
}

/* By hand: e / (e + 1) = 0.7311, e^2 / (e^2 + 1) = 0.8808. */
static void test_the_surest_mistakes_come_first(void **state)
{
    const float logits[] = {1, 0, 0, 2, 5, 0, 0, 1};
    const int32_t labels[] = {1, 0, 0, 0}, answers[] = {0, 1, 0, 1};
    const uint64_t shape[] = {4, 2};
    char *path = pt_file_path("a", "predictions.h5");
    pt_answers a = {.n = 4, .n_classes = 2, .label = (int32_t *)labels};
    pt_mistake *list;
    pt_h5file *f = NULL;
    size_t found;

    a.answer = (int32_t *)answers;
    made_runs_dir("a");
    assert_int_equal(pt_h5file_create(path, &f), PT_OK);
    assert_int_equal(pt_h5file_write_f32(f, "logits", 2, shape, logits), PT_OK);
    assert_int_equal(pt_h5file_commit(&f), PT_OK);
    assert_int_equal(pt_mistakes_read("a", &a, 2, &list, &found), PT_OK);
    assert_int_equal(found, 2); /* of three */
    assert_true(list[0].at == 1 && fabs(list[0].sure - 0.8808) < 1e-4);
    assert_true(list[1].at == 0 && fabs(list[1].sure - 0.7311) < 1e-4);
    assert_true(fabs(list[1].truth - 0.2689) < 1e-4);
    free(list);
    a.n_classes = 3;
    assert_int_equal(pt_mistakes_read("a", &a, 2, &list, &found), PT_ERR_DATA);
    assert_string_equal(pt_fail_text(),
                        "a/predictions.h5: has 8 logits for 4 images of 3 classes");
    free(path);
}

static void test_a_run_tells_where_it_comes_from(void **state)
{
    static const char *const facts[] = {"2026-11-29",
                                        "ptrain 0.1.0 (0123456789ab)",
                                        "A CPU",
                                        "exact, Winograd (avx2)",
                                        "1 server, 2 workers",
                                        "after step 40, ended early after 60",
                                        "97.5 % in 2 jobs"};
    pt_finished_run r = {.dir = (char[]){"a"}, .workers = 2};
    pt_provenance p;

    made_runs_dir("a");
    assert_int_equal(pt_provenance_read(&r, &p), PT_OK); /* of an old run: nothing */
    assert_string_equal(p.of[PT_FACT_PROGRAM], "");
    pt_provenance_fini(&p);
    made_runs_file(
        "a", "environment.json",
        "{\"version\": \"0.1.0\", \"commit\": \"0123456789abcdef\", \"cpu\": \"A "
        "CPU\", \"ranks\": [\"h: server, exact\", \"h: worker, exact, Winograd "
        "(avx2)\", \"h: worker, exact\"]}");
    made_runs_file("a", "jobs.json",
                   "[{\"started\": 1795910400.5}, {\"started\": 1.8e9}]");
    made_runs_file(
        "a", "result.json",
        "{\"steps\": 60, \"early_stopping\": {\"ended_early\": true, \"step\": 39}, "
        "\"goodput\": {\"share\": 0.975, \"jobs\": 2}}");
    assert_int_equal(pt_provenance_read(&r, &p), PT_OK);
    for (int k = 0; k < PT_FACTS; k++) assert_string_equal(p.of[k], facts[k]);
    pt_provenance_fini(&p);
}

static void test_gains_of_too_few_seeds_have_no_mean_in_the_chart(void **state)
{
    const made_run runs[] = {{"a", PLAIN, 1, .5, 1, -1, 0, NULL},
                             {"b", SML1, 1, .625, 1, 1, 1, NULL}};
    pt_finished_run *r = NULL;
    pt_summary *u;
    char *chart;

    made_runs_make(runs, 2);
    u = made_runs_sum_up(&r);
    chart = pt_svg_dots(&u->blocks[0]);
    assert_non_null(strstr(chart, "<desc>PtR-SML1: 1 seed: not judged. </desc>"));
    assert_non_null(strstr(chart, "class=\"seed\""));
    assert_null(strstr(chart, "class=\"open\""));
    assert_null(strstr(chart, "class=\"shown\""));
    assert_null(strstr(chart, "12.5"));
    free(chart);
    made_runs_release(&u, &r);
}

int main(void)
{
#define T(f) cmocka_unit_test_teardown(f, made_runs_remove)
    const struct CMUnitTest tests[] = {
        T(test_a_method_has_its_colour_whatever_it_is_compared_with),
        T(test_methods_that_would_share_a_style_do_not),
        T(test_links_are_relative_to_the_page),
        T(test_tests_stand_at_the_epochs_that_all_runs_were_tested_after),
        T(test_a_bin_of_steps_stands_at_its_middle),
        T(test_the_surest_mistakes_come_first),
        T(test_a_run_tells_where_it_comes_from),
        T(test_gains_of_too_few_seeds_have_no_mean_in_the_chart),
    };

    return cmocka_run_group_tests(tests, made_runs_enter, made_runs_leave);
}
