/* A table becomes runs: what each is made of, in which order, and every fault where it
 * stands. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "launch/sweep/rules.h"
#include "launch/sweep/table.h"
#include "tests/support/temp_dir.h"

static void put(const char *name, const char *text)
{
    FILE *f = fopen(in_dir(name), "w");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

#define RUN "data: {path: d.h5}\nnetwork: {name: resnet_small}\noptimizer: {lr: 0.1}\n"

/* Reads `table` beside run.yaml and low.yaml. */
static pt_status create(const char *table, const char *only, const char *set,
                        pt_sweep **out)
{
    pt_status s;

    put("run.yaml", RUN);
    put("low.yaml", "optimizer: {lr: 0.01, momentum: 0.5}\n");
    put("t.yaml", table);
    s = pt_sweep_create(in_dir("t.yaml"), &set, set ? 1 : 0, only, out);
    assert_int_equal(remove(in_dir("t.yaml")), 0);
    assert_int_equal(remove(in_dir("low.yaml")), 0);
    assert_int_equal(remove(in_dir("run.yaml")), 0);
    return s;
}

/* The faults of a table, the directory cut out of them, are `text`. */
static void expect_faults(const char *table, const char *set, const char *text)
{
    char told[8192] = "";
    pt_sweep *s = NULL;
    const char *at;
    size_t n = strlen(dir) + 1;

    assert_int_equal(create(table, NULL, set, &s), PT_ERR_CONFIG);
    assert_null(s);
    for (at = pt_fail_text(); *at && strlen(told) + 1 < sizeof told; at++) {
        if (strncmp(at, dir, n - 1) == 0 && at[n - 1] == '/') at += n;
        strncat(told, at, 1);
    }
    assert_string_equal(told, text);
}

static void assert_names(const pt_sweep *s, const char *const *names, size_t n)
{
    assert_int_equal(s->n, n);
    for (size_t i = 0; i < n; i++) assert_string_equal(s->runs[i].name, names[i]);
}

static void test_rows_times_seeds_and_what_lies_over_what(void **state)
{
    static const char *const names[] = {"a/seed-7", "a/seed-1", "a/seed-2",
                                        "b/seed-7", "b/seed-1", "b/seed-2"};
    pt_sweep *s = NULL;

    assert_int_equal(create("dir: /nowhere/x\nconfig: [run.yaml]\n"
                            "set: [optimizer.lr=0.2, data.batch=8]\nseeds: [7, 1-2]\n"
                            "rows: [{name: a, set: [seed=99]},\n"
                            "  {name: b, config: [low.yaml], set: [data.batch=9]}]\n",
                            NULL, "shards=4", &s),
                     PT_OK);
    assert_names(s, names, 6);
    assert_string_equal(s->runs[5].dir, "/nowhere/x/b/seed-2");
    assert_string_equal(s->runs[5].config->run->dir, "/nowhere/x/b/seed-2");
    assert_int_equal(s->runs[5].config->seed, 2);
    assert_int_equal(s->runs[0].config->seed, 7); /* the table's seeds come last */
    assert_int_equal(s->runs[0].config->data->batch, 8);
    assert_int_equal(s->runs[3].config->data->batch, 9);
    assert_true(s->runs[3].config->optimizer->momentum == 0.5f); /* of low.yaml */
    assert_true(s->runs[3].config->optimizer->lr == 0.2f);       /* sets over files */
    assert_int_equal(s->runs[3].config->shards, 4);
    assert_int_equal(s->runs[3].state, PT_SWEEP_NEW);
    pt_sweep_destroy(&s);
    assert_null(s);
}

#define AXES                                                                             \
    "dir: /nowhere\nconfig: [run.yaml]\nseeds: [1]\naxes:\n"                             \
    "  - of: [{name: a}, {name: b, set: [optimizer.lr=0.3]}]\n"                          \
    "  - of: [{name: x, config: [low.yaml]}, {name: xy, set: [optimizer.lr=0.4]}]\n"

static void test_axes_give_every_way_to_take_one_of_each(void **state)
{
    static const char *const names[] = {"a/x/seed-1", "a/xy/seed-1", "b/x/seed-1",
                                        "b/xy/seed-1"};
    pt_sweep *s = NULL;

    assert_int_equal(create(AXES, NULL, NULL, &s), PT_OK);
    assert_names(s, names, 4);
    assert_true(s->runs[0].config->optimizer->lr == 0.01f);
    assert_true(s->runs[2].config->optimizer->lr == 0.3f);
    assert_true(s->runs[3].config->optimizer->lr == 0.4f); /* nothing of the last stays */
    assert_true(s->runs[3].config->optimizer->momentum != 0.5f);
    pt_sweep_destroy(&s);
}

static void test_only_takes_names_what_is_below_them_and_patterns(void **state)
{
    static const char *const under[] = {"a/x/seed-1", "a/xy/seed-1"};
    static const char *const pattern[] = {"a/xy/seed-1", "b/xy/seed-1"};
    static const char *const exact[] = {"a/x/seed-1"};
    pt_sweep *s = NULL;

    assert_int_equal(create(AXES, "a", NULL, &s), PT_OK);
    assert_names(s, under, 2);
    pt_sweep_destroy(&s);
    assert_int_equal(create(AXES, "*/xy", NULL, &s), PT_OK);
    assert_names(s, pattern, 2);
    pt_sweep_destroy(&s);
    assert_int_equal(create(AXES, "a/x", NULL, &s), PT_OK); /* not a/xy */
    assert_names(s, exact, 1);
    pt_sweep_destroy(&s);
    assert_int_equal(create(AXES, "c", NULL, &s), PT_ERR_USAGE);
}

static void test_a_directory_may_have_any_name(void **state)
{
    pt_sweep *s = NULL;

    assert_int_equal(create("dir: \"/nowhere/a #1: it's\"\nconfig: [run.yaml]\n"
                            "rows: [{name: r}]\n",
                            NULL, NULL, &s),
                     PT_OK);
    assert_string_equal(s->runs[0].config->run->dir, "/nowhere/a #1: it's/r/run");
    pt_sweep_destroy(&s);
}

static void test_all_faults_are_told_at_once_where_they_stand(void **state)
{
    expect_faults(
        "dir: x\n"
        "config: [run.yaml]\n"
        "seeds: [1-2, 2, x, 9-3, 1-5000]\n"
        "rows:\n"
        "  - {name: a b}\n"
        "  - {name: c, set: [optimizer.los=1]}\n"
        "  - name: c\n"
        "    config: [missing.yaml]\n"
        "    set: [data.batch=2, optimizer.lr=fast]\n",
        "data.batch=0",
        "t.yaml:3:14: error: seed 2 is given twice\n"
        "t.yaml:3:17: error: 'x' is not a seed or a range as in 1-5\n"
        "t.yaml:3:20: error: '9-3' is not a seed or a range as in 1-5\n"
        "t.yaml:3:25: error: more than 1000 seeds\n"
        "t.yaml:5:12: error: 'a b' cannot be a directory name: use letters, digits, "
        ". _ and -, at most 100 of them, and no leading .\n"
        "t.yaml:7:11: error: rows has two entries named 'c'\n"
        "--set #1: error: data.batch must be in [1, 65536], not 0 (a b/seed-1 and 3 more "
        "runs)\n"
        "t.yaml:6:21: error: unknown key 'los' in optimizer; did you mean 'lr'? "
        "(c/seed-1 and 1 more run)\n"
        "t.yaml:8:14: error: missing.yaml cannot be read: No such file or "
        "directory (c/seed-1 and 1 more run)\n"
        "t.yaml:9:25: error: optimizer.lr: 'fast' is not a number (c/seed-1 and "
        "1 more run)");
}

static void test_faults_of_the_table_itself(void **state)
{
    expect_faults(
        "rows: [{}]\n", NULL,
        "t.yaml:1:1: error: dir is not given: where run directories go\n"
        "t.yaml:1:1: error: config is not given: the configuration of all runs\n"
        "t.yaml:1:8: error: rows.0 has no name");
    expect_faults("dir: x\nconfig: [run.yaml]\n", NULL,
                  "t.yaml:1:1: error: give rows or axes: neither is given");
    expect_faults("dir: x\nconfig: [run.yaml]\nrows: [{name: a}]\naxes: [{of: []}]\n",
                  NULL,
                  "t.yaml:4:7: error: give rows or axes, not both\n"
                  "t.yaml:4:13: error: axes.0 has no entries");
    /* A misspelt key is one fault, not two. */
    expect_faults("dri: x\nconfig: [run.yaml]\nrows: [{nam: a}]\n", NULL,
                  "t.yaml:1:1: error: unknown key 'dri'; did you mean 'dir'?\n"
                  "t.yaml:3:9: error: unknown key 'nam' in rows.0; did you mean 'name'?");
    expect_faults("rows: [\n", NULL,
                  "t.yaml:2:1: error: flow sequence without a closing bracket");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_times_seeds_and_what_lies_over_what),
        cmocka_unit_test(test_axes_give_every_way_to_take_one_of_each),
        cmocka_unit_test(test_only_takes_names_what_is_below_them_and_patterns),
        cmocka_unit_test(test_a_directory_may_have_any_name),
        cmocka_unit_test(test_all_faults_are_told_at_once_where_they_stand),
        cmocka_unit_test(test_faults_of_the_table_itself),
    };

    return cmocka_run_group_tests_name("launch.sweep", tests, make_dir, remove_dir);
}
