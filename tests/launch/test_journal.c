/* What the journal of a run counts, over jobs: best.h5, the gate, w, steps. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "common/base/digest.h"
#include "common/base/file.h"
#include "launch/train/best.h"
#include "launch/train/journal.h"
#include "launch/train/run_dir.h"
#include "tests/support/temp_dir.h"

enum { IMAGES = 3 };

static const uint32_t images[IMAGES] = {0, 1, 2};
static pt_setup u;

/* A run of the smallest network on the four images of tiny.h5, in `dir`. */
static void set_up(const char *keep_best)
{
    char run_dir[300], keep[64];
    const char *sets[] = {run_dir, "data.crop=8", keep};
    const pt_graph_options options = {.side = 8, .n_classes = 2};
    pt_config *c = NULL;
    pt_graph *g = NULL;
    pt_plan *plan = NULL;

    snprintf(run_dir, sizeof run_dir, "run.dir=%s", dir);
    snprintf(keep, sizeof keep, "run.keep_best=%s", keep_best);
    u = (pt_setup){.network.options = options, .test = images, .n_test = IMAGES};
    assert_int_equal(pt_dataset_open(PT_TEST_DATA "/dataset/tiny.h5", &u.data), PT_OK);
    assert_int_equal(pt_config_load(PT_TEST_DATA "/run/base.yaml", sets, 3, &c), PT_OK);
    assert_int_equal(pt_graph_create(c->network->name, &options, &g), PT_OK);
    assert_int_equal(pt_plan_create(c, calloc(8, sizeof(uint32_t)), 8, &plan), PT_OK);
    assert_int_equal(pt_run_create(c, g, plan, 1, 1, &u.run), PT_OK);
    u.preprocess = pt_preprocess_imagenet;
}

static void tear_down(void)
{
    pt_run_destroy(&u.run);
    pt_dataset_destroy(&u.data);
}

static pt_journal *begin(const pt_progress *from)
{
    pt_journal *j = NULL;

    u.run->first_step = from->step;
    assert_int_equal(pt_journal_create(&u, from, &j), PT_OK);
    return j;
}

/* A set after `step`, of a model that no other step has: `right` of its images are. */
static void rows_after(pt_journal *j, pt_rows_of set, uint64_t step, int right)
{
    pt_server_hooks h = pt_journal_hooks(j);
    float logits[IMAGES][2] = {{0}};

    u.run->flat[0] = (float)step + 1;
    for (int i = 0; i < IMAGES; i++) {
        int label = pt_dataset_label(u.data, images[i]);

        logits[i][i < right ? label : 1 - label] = 1;
    }
    assert_int_equal(h.on_rows(h.context, set, step, false, &logits[0][0], IMAGES),
                     PT_OK);
}

static void test_after(pt_journal *j, uint64_t step, int right)
{
    rows_after(j, PT_ROWS_TEST, step, right);
}

/* A test with validation images, which are the same ones here. */
static void both_after(pt_journal *j, uint64_t step, int validation, int test)
{
    rows_after(j, PT_ROWS_VALIDATION, step, validation);
    rows_after(j, PT_ROWS_TEST, step, test);
}

static void one_step(pt_journal *j, uint64_t step, double w)
{
    const pt_image_norms norms[8] = {{0}};
    const double times[PT_PAYLOAD_TIMES] = {0};
    const pt_step_report r = {
        .step = step, .images = 8, .w = w, .gate = w > 0, .norms = norms, .times = times};
    pt_server_hooks h = pt_journal_hooks(j);

    assert_int_equal(h.on_step(h.context, &r), PT_OK);
}

/* A checkpoint before step `next`, and the end of the job. */
static pt_progress end_with_checkpoint(pt_journal *j, uint64_t next)
{
    pt_server_hooks h = pt_journal_hooks(j);
    pt_progress p = {.step = next};
    json_t *json;

    assert_int_equal(h.on_save(h.context, next, &p.tally), PT_OK);
    json = pt_tally_to_json(&p.tally); /* as the manifest has it */
    p.tally = pt_tally_of_json(json);
    json_decref(json);
    pt_journal_destroy(&j);
    return p;
}

static pt_status finish(pt_journal *j)
{
    return pt_journal_finish(j, &(pt_server_costs){0}, &(pt_waits){0});
}

static double result_number(const char *name)
{
    json_t *r = NULL;
    double x;

    assert_int_equal(pt_run_dir_read_json(dir, "result.json", &r), PT_OK);
    x = json_number_value(json_object_get(r, name));
    json_decref(r);
    return x;
}

static void best_result(json_int_t step, const char *selected_on, double accuracy,
                        double test_accuracy)
{
    const char *on;
    double a, t;
    json_int_t k;
    json_t *r = NULL;

    assert_int_equal(pt_run_dir_read_json(dir, "result.json", &r), PT_OK);
    assert_int_equal(json_unpack(r, "{s:{s:I, s:s, s:f, s:f}}", "best", "step", &k,
                                 "selected_on", &on, "accuracy", &a, "test_accuracy", &t),
                     0);
    assert_int_equal(k, step);
    assert_string_equal(on, selected_on);
    assert_true(a == accuracy && t == test_accuracy);
    json_decref(r);
}

static void best_digest(char out[65])
{
    assert_int_equal(pt_digest_file(in_dir("best.h5"), out), PT_OK);
}

static void clean(void)
{
    static const char *const names[] = {"best.h5", "jobs.json", "metrics.jsonl",
                                        "model.h5", "result.json"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) unlink(in_dir(names[i]));
    tear_down();
}

/* One third has no end in decimals: read back from text it is another number. */
static void an_equal_test_after_a_resume(bool tally)
{
    char was[65], is[65];
    pt_progress p = {0};
    pt_journal *j;

    set_up("true");
    j = begin(&p);
    test_after(j, 0, 1);
    best_digest(was);
    p = end_with_checkpoint(j, 1);
    if (!tally) p.tally = (pt_tally){0};
    j = begin(&p);
    test_after(j, 1, 1);
    best_digest(is);
    assert_string_equal(is, was);
    assert_int_equal(finish(j), PT_OK);
    best_result(0, "test", 1.0 / 3, 1.0 / 3);
    test_after(j, 2, 2);
    best_digest(is);
    assert_string_not_equal(is, was);
    pt_journal_destroy(&j);
    clean();
}

static void test_an_equal_accuracy_after_a_resume_is_not_better(void **state)
{
    an_equal_test_after_a_resume(true);
}

static void test_nor_where_the_checkpoint_has_no_tally(void **state)
{
    an_equal_test_after_a_resume(false);
}

/* A worse model than one that nobody kept is still the best that there is. */
static void test_switched_on_at_a_resume_the_next_test_is_the_best(void **state)
{
    pt_progress p = {0};
    pt_journal *j;

    for (int tally = 0; tally < 2; tally++) {
        char first[65], later[65];

        set_up("false");
        j = begin(&(pt_progress){0});
        test_after(j, 0, 3);
        assert_false(pt_run_dir_has(dir, "best.h5"));
        p = end_with_checkpoint(j, 1);
        tear_down();
        set_up("true");
        if (!tally) p.tally = (pt_tally){0};
        j = begin(&p);
        test_after(j, 1, 1);
        best_digest(first);
        test_after(j, 2, 0);
        best_digest(later);
        assert_string_equal(later, first);
        pt_journal_destroy(&j);
        clean();
    }
}

/* A test after the checkpoint, which a crash undid, wrote best.h5; or it was removed. */
static void test_a_best_file_of_another_test_does_not_count(void **state)
{
    for (int removed = 0; removed < 2; removed++) {
        char was[65], is[65];
        pt_progress p = {0};
        pt_journal *j;

        set_up("true");
        j = begin(&p);
        test_after(j, 0, 1);
        p = end_with_checkpoint(j, 1);
        j = begin(&p);
        test_after(j, 1, 2);
        best_digest(was);
        pt_journal_destroy(&j); /* no checkpoint */
        if (removed) unlink(in_dir("best.h5"));
        j = begin(&p);
        test_after(j, 1, 2);
        best_digest(is);
        assert_string_equal(is, was);
        pt_journal_destroy(&j);
        clean();
    }
}

static void test_a_result_over_jobs_has_all_digits(void **state)
{
    double mean[2];

    for (int jobs = 1; jobs <= 2; jobs++) {
        pt_progress p = {0};
        pt_journal *j;

        set_up("false");
        j = begin(&p);
        one_step(j, 0, 0);
        one_step(j, 1, 1.0 / 3);
        if (jobs == 2) {
            p = end_with_checkpoint(j, 2);
            p.skipped = 1;
            j = begin(&p);
        }
        one_step(j, 2, 1.0 / 7);
        assert_int_equal(finish(j), PT_OK);
        assert_true(result_number("gate_opened_at") == 1);
        assert_true(result_number("steps_with_w") == 2);
        assert_true(result_number("steps") == 3);
        mean[jobs - 1] = result_number("mean_w");
        pt_journal_destroy(&j);
        clean();
    }
    assert_true(mean[0] == mean[1]);
    assert_true(mean[0] == (1.0 / 3 + 1.0 / 7) / 2);
}

static void test_the_test_split_chooses_where_there_is_nothing_else(void **state)
{
    pt_journal *j;

    set_up("true");
    j = begin(&(pt_progress){0});
    test_after(j, 0, 1);
    test_after(j, 1, 2);
    assert_int_equal(finish(j), PT_OK);
    best_result(1, "test", 2.0 / 3, 2.0 / 3);
    pt_journal_destroy(&j);
    clean();
}

static void test_validation_images_choose_and_the_test_split_only_tells(void **state)
{
    uint32_t copy[IMAGES];

    memcpy(copy, images, sizeof copy);
    for (int jobs = 1; jobs <= 2; jobs++) {
        char was[65], is[65];
        pt_progress p = {0};
        pt_journal *j;

        set_up("true");
        u.validation = (pt_held_out){.images = copy, .n = IMAGES};
        j = begin(&p);
        both_after(j, 0, 2, 1);
        best_digest(was);
        both_after(j, 1, 1, 3);
        if (jobs == 2) {
            p = end_with_checkpoint(j, 2);
            j = begin(&p);
        }
        both_after(j, 2, 2, 3);
        best_digest(is);
        assert_string_equal(is, was);
        assert_int_equal(finish(j), PT_OK);
        best_result(0, "validation", 2.0 / 3, 1.0 / 3);
        assert_true(result_number("validation_accuracy") == 2.0 / 3);
        assert_true(result_number("test_accuracy") == 1);
        pt_journal_destroy(&j);
        clean();
    }
}

/* Lines of a test that will be done again go. */
static void test_a_test_that_is_owed_leaves_no_second_line(void **state)
{
    uint8_t *text = NULL;
    pt_progress p = {0};
    pt_journal *j;
    size_t n = 0;

    set_up("false");
    j = begin(&p);
    one_step(j, 0, 0);
    p = end_with_checkpoint(j, 1);
    p.test_owed = true;
    for (int job = 0; job < 2; job++) { /* the first of them crashes after the test */
        j = begin(&p);
        test_after(j, 0, 1);
        pt_journal_destroy(&j);
    }
    assert_int_equal(pt_file_load_path(in_dir("metrics.jsonl"), 1 << 16, &text, &n),
                     PT_OK);
    assert_non_null(strstr((char *)text, "\"right\":1,\"of\":3"));
    assert_null(strstr(strstr((char *)text, "test_of") + 1, "test_of"));
    free(text);
    clean();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_equal_accuracy_after_a_resume_is_not_better),
        cmocka_unit_test(test_nor_where_the_checkpoint_has_no_tally),
        cmocka_unit_test(test_switched_on_at_a_resume_the_next_test_is_the_best),
        cmocka_unit_test(test_a_best_file_of_another_test_does_not_count),
        cmocka_unit_test(test_a_result_over_jobs_has_all_digits),
        cmocka_unit_test(test_the_test_split_chooses_where_there_is_nothing_else),
        cmocka_unit_test(test_validation_images_choose_and_the_test_split_only_tells),
        cmocka_unit_test(test_a_test_that_is_owed_leaves_no_second_line),
    };

    return cmocka_run_group_tests_name("launch.journal", tests, make_dir, remove_dir);
}
