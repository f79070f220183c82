/* What is the same run: which keys count, and how a difference is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "launch/train/identity.h"

static void note_free(void *context, const char *path, const char *value)
{
    char *text = context;

    if (pt_identity_is_free(path)) strcat(strcat(text, path), " ");
}

/* By name, so that a new key is looked at once before it is free. */
static void test_exactly_these_keys_are_free(void **state)
{
    char text[1024] = "";
    pt_config *c = NULL;

    assert_int_equal(pt_config_load(PT_TEST_DATA "/run/base.yaml", NULL, 0, &c), PT_OK);
    assert_int_equal(pt_config_each(c, PT_CONFIG_YAML, note_free, text), PT_OK);
    assert_string_equal(
        text, "run.watchdog_s run.log_every run.gradient_ratio_every run.resume "
              "run.checkpoint_s run.checkpoint_steps run.keep_best run.tensorboard "
              "data.input_threads "
              "evaluation.every_epochs evaluation.train_split server.ranks "
              "server.placement server.shared_memory server.factors "
              "engine.threads engine.workers ");
    pt_config_destroy(&c);
}

static json_t *identity(double lr, int epochs, const char *gemm)
{
    char text[32];

    snprintf(text, sizeof text, "%g", lr);
    return json_pack("{s:s, s:s, s:{s:s, s:i, s:s}}", "program", "ptrain 1", "gemm", gemm,
                     "settings", "optimizer.lr", text, "stages.0.epochs", epochs, "seed",
                     "2");
}

/* Compares and releases both. */
static pt_status compare(json_t *was, json_t *is)
{
    pt_status s = pt_identity_compare(was, is, "runs/a");

    json_decref(was);
    json_decref(is);
    return s;
}

static void test_differences_are_named_with_both_values(void **state)
{
    json_t *was = identity(0.1, 3, "exact"), *is = identity(0.2, 4, "exact");

    assert_int_equal(compare(identity(0.1, 3, "exact"), identity(0.1, 3, "exact")),
                     PT_OK);
    json_object_set_new(was, "data_checksum", json_string("aa"));
    json_object_del(json_object_get(is, "settings"), "seed");
    assert_int_equal(compare(was, is), PT_ERR_USAGE);
    assert_string_equal(pt_fail_text(),
                        "runs/a: belongs to another run (optimizer.lr was 0.1, "
                        "is 0.2; stages.0.epochs was 3, is "
                        "4; seed was 2, is not given; data_checksum was "
                        "aa, is not given): choose another "
                        "run.dir, or use --overwrite to replace it");
}

static pt_status compare_all_settings(const json_t *was, const char *const *sets,
                                      size_t n)
{
    pt_config *c = NULL;
    pt_status s;

    assert_int_equal(pt_config_load(PT_TEST_DATA "/run/base.yaml", sets, n, &c), PT_OK);
    s = pt_identity_compare_settings(was, c, "runs/a");
    pt_config_destroy(&c);
    return s;
}

static pt_status compare_settings(const json_t *was, const char *const sets[2])
{
    return compare_all_settings(was, sets, 2);
}

/* identity.json: its settings as the program of d809e49 wrote them. */
static void test_the_settings_of_an_older_programs_run_are_the_same(void **state)
{
    static const char *const sets[] = {"optimizer.weight_decay=1e-5",
                                       "data.train_split='my train'"};
    static const char *const others[] = {"optimizer.weight_decay=1e-5",
                                         "data.train_split=train"};
    json_t *was = json_load_file(PT_TEST_DATA "/run/identity.json", 0, NULL), *settings;

    settings = json_object_get(was, "settings");
    assert_int_equal(json_object_size(settings), 72);
    assert_int_equal(compare_settings(was, sets), PT_OK);
    assert_int_equal(compare_settings(was, others), PT_ERR_USAGE);
    /* older still: without these keys */
    json_object_del(settings, "pseudo_task.norm");
    json_object_del(settings, "stages.0.rate");
    assert_int_equal(compare_settings(was, sets), PT_OK);
    json_object_del(settings, "pseudo_task.gate"); /* epoch, not the default */
    assert_int_equal(compare_settings(was, sets), PT_ERR_USAGE);
    json_decref(was);
}

/* base.yaml: after each epoch. */
static void test_how_often_it_is_tested_counts_where_that_may_end_the_run(void **state)
{
    static const char *const sets[] = {
        "optimizer.weight_decay=1e-5", "data.train_split='my train'",
        "early_stopping.patience=2", "data.validation_share=0.25"};
    json_t *was = json_load_file(PT_TEST_DATA "/run/identity.json", 0, NULL),
           *settings = json_object_get(was, "settings");

    assert_int_equal(compare_all_settings(was, sets, 4), PT_ERR_USAGE);
    json_object_set_new(settings, "early_stopping.patience", json_string("2"));
    json_object_set_new(settings, "data.validation_share", json_string("0.25"));
    json_object_set_new(settings, "evaluation.every_epochs", json_string("1"));
    assert_int_equal(compare_all_settings(was, sets, 4), PT_OK);
    json_object_set_new(settings, "evaluation.every_epochs", json_string("2"));
    assert_int_equal(compare_all_settings(was, sets, 4), PT_ERR_USAGE);
    json_decref(was);
}

/* As if `key` had been added to the program since. */
static void test_a_key_that_is_missing_has_its_default(void **state)
{
    static const struct {
        const char *key, *value;
        pt_status s;
    } cases[] = {{"regularizers.fnp.weight", "0", PT_OK},
                 {"regularizers.fnp.weight", "0.1", PT_ERR_USAGE},
                 {"stages.3.rate", "1", PT_OK},
                 {"stages.3.rate", "0.5", PT_ERR_USAGE},
                 {"stages.3.steps", "1", PT_ERR_USAGE},
                 {"no.such.key", "0", PT_ERR_USAGE}};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_t *old = identity(0.1, 3, "exact"), *new = identity(0.1, 3, "exact");

        json_object_set_new(json_object_get(new, "settings"), cases[i].key,
                            json_string(cases[i].value));
        json_incref(old);
        json_incref(new);
        assert_int_equal(compare(old, new), cases[i].s);
        assert_int_equal(compare(new, old), cases[i].s);
    }
}

/* a: as programs wrote it that promised the bits of one core. */
static void test_under_blas_another_core_is_the_same_run(void **state)
{
    const char *a = "OpenBLAS 0.3.21 Haswell";
    const char *b = "OpenBLAS 0.3.21 SkylakeX, Winograd; bits not promised";

    assert_int_equal(compare(identity(0.1, 3, a), identity(0.1, 3, b)), PT_OK);
    assert_int_equal(compare(identity(0.1, 3, a), identity(0.1, 3, "exact")),
                     PT_ERR_USAGE);
    assert_int_equal(compare(identity(0.1, 3, a), identity(0.1, 4, b)), PT_ERR_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exactly_these_keys_are_free),
        cmocka_unit_test(test_differences_are_named_with_both_values),
        cmocka_unit_test(test_the_settings_of_an_older_programs_run_are_the_same),
        cmocka_unit_test(test_how_often_it_is_tested_counts_where_that_may_end_the_run),
        cmocka_unit_test(test_a_key_that_is_missing_has_its_default),
        cmocka_unit_test(test_under_blas_another_core_is_the_same_run),
    };

    return cmocka_run_group_tests_name("launch.identity", tests, NULL, NULL);
}
