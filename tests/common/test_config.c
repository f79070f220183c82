#include <limits.h>
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

#include "common/base/suggest.h"
#include "common/config/config.h"

/* The tests run inside a temporary directory, so that messages hold bare names. */
static char directory[] = "/tmp/pt_test_config_XXXXXX";

static int enter(void **state)
{
    return mkdtemp(directory) && chdir(directory) == 0 ? 0 : -1;
}

static int leave(void **state)
{
    static const char *const files[] = {"a.yaml", "b.yaml", "c.yaml", "sub/d.yaml"};

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) unlink(files[i]);
    rmdir("sub");
    return chdir("/") == 0 && rmdir(directory) == 0 ? 0 : -1;
}

static void write_file(const char *name, const char *text)
{
    FILE *f = fopen(name, "w");

    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

static pt_config *load(const char *yaml)
{
    pt_config *c = NULL;

    write_file("a.yaml", yaml);
    if (pt_config_load("a.yaml", NULL, 0, &c) != PT_OK) fail_msg("%s", pt_fail_text());
    return c;
}

static void expect(const char *yaml, const char *faults)
{
    pt_config *c = NULL;

    write_file("a.yaml", yaml);
    assert_int_equal(pt_config_load("a.yaml", NULL, 0, &c), PT_ERR_CONFIG);
    assert_string_equal(pt_fail_text(), faults);
    assert_null(c);
}

static void expect_set(const char *yaml, const char *set, const char *faults)
{
    const char *sets[] = {"seed=3", set};
    pt_config *c = NULL;

    write_file("a.yaml", yaml);
    assert_int_equal(pt_config_load("a.yaml", sets, 2, &c), PT_ERR_CONFIG);
    assert_string_equal(pt_fail_text(), faults);
}

static void test_keys_that_are_not_given_hold_the_schemas_defaults(void **state)
{
    pt_config *c = load("seed: 7\n");

    assert_int_equal(c->seed, 7);
    assert_true(c->has_seed);
    assert_false(c->optimizer->has_lr);
    assert_true(c->optimizer->lr == 0.01f);
    assert_string_equal(c->data->train_split, "train");
    assert_non_null(c->data->preprocess);
    assert_int_equal(c->data->preprocess->n_mean, 0);
    assert_int_equal(c->data->resize_mode, PT__CONFIG__RESIZE__SHORT_SIDE);
    assert_null(c->network->name);
    assert_int_equal(c->n_stages, 0);
    pt_config_destroy(&c);
    assert_null(c);
    pt_config_destroy(&c);
}

static void test_every_type_is_read(void **state)
{
    pt_config *c = load("seed: 18446744073709551615\n"
                        "run: {dir: \"a \\\"b\\\"\", watchdog_s: 1.5e2}\n"
                        "data: {resize_mode: square, flip: false, crop: 32,\n"
                        "       preprocess: {mean: [1, .5, -2e-1], order: bgr}}\n"
                        "network: {name: vgg16, weights: 123}\n"
                        "pseudo_task: {loss: sml1}\n"
                        "stages:\n"
                        "- {name: head, epochs: 0.5, frozen: [trunk]}\n"
                        "- steps: 3\n");

    assert_true(c->seed == UINT64_MAX);
    assert_string_equal(c->run->dir, "a \"b\"");
    assert_true(c->run->watchdog_s == 150);
    assert_int_equal(c->data->resize_mode, PT__CONFIG__RESIZE__SQUARE);
    assert_true(c->data->has_flip && !c->data->flip);
    assert_int_equal(c->data->preprocess->n_mean, 3);
    assert_true(c->data->preprocess->mean[2] == -0.2f);
    assert_int_equal(c->data->preprocess->order, PT__CONFIG__COLOUR_ORDER__BGR);
    assert_string_equal(c->network->weights, "123");
    assert_int_equal(c->pseudo_task->loss, PT__CONFIG__REG_LOSS__SML1);
    assert_int_equal(c->n_stages, 2);
    assert_true(c->stages[0]->epochs == 0.5);
    assert_string_equal(c->stages[0]->frozen[0], "trunk");
    assert_int_equal(c->stages[1]->steps, 3);
    assert_false(c->stages[1]->has_epochs);
    pt_config_destroy(&c);
}

static void test_all_faults_of_a_file_come_at_once_in_its_order(void **state)
{
    expect("shards: 6\n"
           "optimizer:\n"
           "  momentun: 0.9\n"
           "  lr: -1\n"
           "  lr: 3\n"
           "schedule: {kind: cosin}\n"
           "data:\n"
           "  batch: two\n"
           "network: {name: resnet51}\n",
           "a.yaml:1:9: error: shards must be a power of two, not 6\n"
           "a.yaml:3:3: error: unknown key 'momentun' in optimizer; did you mean "
           "'momentum'?\n"
           "a.yaml:4:7: error: optimizer.lr must be > 0, not -1\n"
           "a.yaml:5:3: error: key 'lr' is given twice (first at line 4)\n"
           "a.yaml:6:18: error: schedule.kind: 'cosin' is not one of constant, step, "
           "cosine; did you mean 'cosine'?\n"
           "a.yaml:8:10: error: data.batch: 'two' is not an unsigned integer\n"
           "a.yaml:9:17: error: network.name 'resnet51' is not a network; did you mean "
           "'resnet50'?");
}

static void test_values_of_the_wrong_type_are_refused(void **state)
{
    static const char *const cases[][2] = {
        {"seed: -1", "a.yaml:1:7: error: seed: '-1' is not an unsigned integer"},
        {"shards: 5000000000",
         "a.yaml:1:9: error: shards: '5000000000' is above 4294967295"},
        {"seed: 18446744073709551616",
         "a.yaml:1:7: error: seed: '18446744073709551616' is above 18446744073709551615"},
        {"data: {crop: \"32\"}",
         "a.yaml:1:14: error: data.crop: the string '32' is not an unsigned integer"},
        {"data: {flip: yes}",
         "a.yaml:1:14: error: data.flip: 'yes' is not true or false"},
        {"optimizer: {lr: .nan}",
         "a.yaml:1:17: error: optimizer.lr: '.nan' is not a number"},
        {"optimizer: {lr: 0x1p3}",
         "a.yaml:1:17: error: optimizer.lr: '0x1p3' is not a number"},
        {"optimizer: {lr: 1e39}", "a.yaml:1:17: error: optimizer.lr: '1e39' is not a "
                                  "number that float32 can hold"},
        {"run: {watchdog_s: 1e999}",
         "a.yaml:1:19: error: run.watchdog_s: '1e999' is not a finite number"},
        {"run: {dir: ''}", "a.yaml:1:12: error: run.dir must not be empty"},
        {"run: {dir: [a]}",
         "a.yaml:1:12: error: run.dir: expected a string, found a list"},
        {"run: [dir]", "a.yaml:1:6: error: run: expected a mapping, found a list"},
        {"run: here", "a.yaml:1:6: error: run: 'here' is not a mapping"},
        {"run:\n", "a.yaml:1:1: error: run has no value (null leaves a key unset)"},
        {"schedule: {at: 0.5}", "a.yaml:1:16: error: schedule.at: '0.5' is not a list"},
        {"stages: {epochs: 1}",
         "a.yaml:1:9: error: stages: expected a list, found a mapping"},
        {"stages: [3, {epochs: 1}]",
         "a.yaml:1:10: error: stages.0: '3' is not a mapping"},
        {"pseudo_task: {loss: SML1}",
         "a.yaml:1:21: error: pseudo_task.loss: 'SML1' is not one of none, sml1, l2; did "
         "you mean 'sml1'?"},
        {"pseudo_task: {loss: {}}",
         "a.yaml:1:21: error: pseudo_task.loss: expected one of none, sml1, l2, found a "
         "mapping"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect(cases[i][0], cases[i][1]);
}

static void test_numbers_out_of_range_are_refused_where_they_stand(void **state)
{
    /* A message that starts with the key stands at line 1 and ends with "not VALUE". */
    static const char *const cases[][3] = {
        {"format_version", "2", "must be 1, not 2"},
        {"shards", "2048", "must be in [1, 1024], not 2048"},
        {"shards", "0", "must be in [1, 1024], not 0"},
        {"run.watchdog_s", "0", "must be > 0, not 0"},
        {"run.log_every", "0", "must be >= 1, not 0"},
        {"data.batch", "0", "must be in [1, 65536], not 0"},
        {"data.resize", "4097", "must be in [1, 4096], not 4097"},
        {"data.crop", "0", "must be in [1, 4096], not 0"},
        {"data.pad", "5000", "must be in [0, 4096], not 5000"},
        {"data.min_area", "0", "must be in (0, 1], not 0"},
        {"data.input_threads", "65", "must be in [1, 64], not 65"},
        {"data.preprocess.mean", "[1, 2]", "must have 3 numbers, not 2"},
        {"data.preprocess.std", "[1, 2, 3, 4]", "must have 3 numbers, not 4"},
        {"network.dropout", "1", "must be in [0, 1), not 1"},
        {"network.bn_eps", "0", "must be > 0, not 0"},
        {"network.bn_momentum", "0", "must be in (0, 1], not 0"},
        {"network.head_std", "-1", "must be >= 0, not -1"},
        {"pseudo_task.ratio", "0", "must be > 0, not 0"},
        {"pseudo_task.gate_fraction", "0", "must be > 0, not 0"},
        {"pseudo_task.gate_decay", "1", "must be in [0, 1), not 1"},
        {"pseudo_task.gate_epoch", "-1", "must be >= 0, not -1"},
        {"optimizer.lr", "0", "must be > 0, not 0"},
        {"optimizer.head_lr", "-2", "must be > 0, not -2"},
        {"optimizer.momentum", "1", "must be in [0, 1), not 1"},
        {"optimizer.weight_decay", "-1", "must be >= 0, not -1"},
        {"schedule.factor", "0", "must be > 0, not 0"},
        {"schedule.at", "[0.5, 0.25]", "must be ascending, but 0.25 follows 0.5"},
        {"schedule.at", "[0.5, 0.5]", "must be ascending, but 0.5 follows 0.5"},
        {"schedule.kind", "step", "is step, but schedule.at is empty"},
        {"cross_entropy.weights", "listed", "is listed, but class_weights is empty"},
        {"cross_entropy.class_weights", "[1, 2]", "is given, but weights is not listed"},
        {"server.ranks", "0", "must be in [1, 1024] or auto, not 0"},
        {"server.ranks", "1025", "must be in [1, 1024] or auto, not 1025"},
        {"engine.threads", "257", "must be in [1, 256] or auto, not 257"},
        {"engine.workers", "9", "9 is above shards 8"},
        {"data.crop", "300", "300 is larger than data.resize 256"},
        {"data.resize", "200", "200 is smaller than data.crop 224"},
        {"data.rand_augment.magnitude", "31",
         "31 is not below data.rand_augment.num_magnitude_bins 31"},
        {"data.color_jitter.hue", "0.6", "must be in [0, 0.5], not 0.6"},
        {"data.random_erasing.probability", "1.5", "must be in [0, 1], not 1.5"},
        {"data.random_erasing.min_area", "0.5",
         "0.5 is above data.random_erasing.max_area 0.33"},
        {"data.random_erasing.min_aspect", "4",
         "4 is above data.random_erasing.max_aspect 3.3"},
        {"network.name", "alexnet", "'alexnet' is not a network"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char set[128], faults[256];

        snprintf(set, sizeof set, "%s=%s", cases[i][0], cases[i][1]);
        snprintf(faults, sizeof faults, "--set #2: error: %s %s", cases[i][0],
                 cases[i][2]);
        expect_set("seed: 1", set, faults);
    }
    expect("schedule:\n  at: [0.5, 1]\n",
           "a.yaml:2:13: error: schedule.at.1 must be in (0, 1), not 1");
    expect("engine: {gemm: blas, precision: bf16}",
           "a.yaml:1:33: error: engine.precision bf16 needs our kernels, but engine.gemm "
           "is blas; leave one of them out");
    expect("data: {preprocess: {std: [1, 2, 0]}}",
           "a.yaml:1:33: error: data.preprocess.std.2 must be > 0, not 0");
}

static void test_ends_of_ranges_that_count_are_accepted(void **state)
{
    pt_config *c = load("shards: 1024\n"
                        "data: {resize: 4096, crop: 4096, min_area: 1}\n"
                        "network: {dropout: 0, bn_momentum: 1, head_std: 0}\n"
                        "optimizer: {momentum: 0, weight_decay: 0}\n"
                        "pseudo_task: {gate_decay: 0, gate_epoch: 0}\n"
                        "schedule: {kind: step, at: [0.25, 0.5]}\n"
                        "stages: []\n"
                        "engine: {threads: 256, workers: 1024}\n");

    pt_config_destroy(&c);
    c = load("data: {resize_mode: no_resize, resize: 10, crop: 40}");
    pt_config_destroy(&c);
}

static void test_a_stage_has_epochs_or_steps(void **state)
{
    expect("stages:\n- {epochs: 1, steps: 2}\n- name: x\n- {epoch: 1}\n- {epochs: 0}\n"
           "- {steps: 0}\n- {steps: 1, frozen: [\"\"]}\n",
           "a.yaml:2:3: error: stages.0 needs epochs or steps, not both\n"
           "a.yaml:3:3: error: stages.1 needs epochs or steps, neither is given\n"
           "a.yaml:4:4: error: unknown key 'epoch' in stages.2; did you mean 'epochs'?\n"
           "a.yaml:5:12: error: stages.3.epochs must be in (0, 1000000], not 0\n"
           "a.yaml:6:11: error: stages.4.steps must be >= 1, not 0\n"
           "a.yaml:7:23: error: stages.5.frozen.0 must not be empty");
}

static void test_a_base_is_merged_and_lists_replace(void **state)
{
    pt_config *c;

    mkdir("sub", 0777);
    write_file("sub/d.yaml", "base: ../b.yaml\noptimizer: {momentum: 0.5}\n");
    write_file("b.yaml", "optimizer: {lr: 0.25, momentum: 0.75, head_lr: 1}\n"
                         "schedule: {kind: step, at: [0.1, 0.2]}\n");
    write_file("c.yaml", "seed: 5\noptimizer: {lr: 0.125}\n");
    c = load("base: [sub/d.yaml, c.yaml]\n"
             "optimizer: {nesterov: true, head_lr: null}\n"
             "schedule: {at: [0.5]}\n");
    assert_int_equal(c->seed, 5);
    assert_true(c->optimizer->lr == 0.125f);
    assert_true(c->optimizer->momentum == 0.5f);
    assert_true(c->optimizer->nesterov);
    assert_false(c->optimizer->has_head_lr);
    assert_int_equal(c->schedule->kind, PT__CONFIG__SCHEDULE_KIND__STEP);
    assert_int_equal(c->schedule->n_at, 1);
    pt_config_destroy(&c);
}

static void test_booleans_are_those_of_yamls_core_schema(void **state)
{
    static const char *const yes[] = {"true", "True", "TRUE"};
    static const char *const no[] = {"false", "False", "FALSE"};
    static const char *const none[] = {"tRUE", "yes", "on", "1"};
    char text[64], fault[128];
    pt_config *c;

    for (size_t i = 0; i < 3; i++) {
        snprintf(text, sizeof text, "data: {flip: %s}\nrun: {keep_best: %s}\n", no[i],
                 yes[i]);
        c = load(text);
        assert_false(c->data->flip);
        assert_true(c->run->keep_best);
        pt_config_destroy(&c);
    }
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        snprintf(text, sizeof text, "data: {flip: %s}", none[i]);
        snprintf(fault, sizeof fault,
                 "a.yaml:1:14: error: data.flip: '%s' is not true or false", none[i]);
        expect(text, fault);
    }
}

static void test_faults_of_bases_name_the_bases_lines(void **state)
{
    write_file("b.yaml", "optimizer:\n  lr: 0\n  lt: 1\n");
    expect("base: b.yaml\nseed: x\n",
           "a.yaml:2:7: error: seed: 'x' is not an unsigned integer\n"
           "b.yaml:2:7: error: optimizer.lr must be > 0, not 0\n"
           "b.yaml:3:3: error: unknown key 'lt' in optimizer; did you mean 'lr'?");
    expect("base: no.yaml\nsead: 1\ndata: {crop: 300}",
           "a.yaml:1:7: error: no.yaml cannot be read: No such file or directory\n"
           "a.yaml:2:1: error: unknown key 'sead'; did you mean 'seed'?");
    expect("base: {a: b}",
           "a.yaml:1:7: error: base must be a file name or a list of file names");
    expect("base: [b.yaml, [b.yaml]]\noptimizer: null",
           "a.yaml:1:16: error: base must be a file name or a list of file names");
}

static void test_a_base_that_leads_back_is_refused(void **state)
{
    expect("base: a.yaml", "a.yaml:1:7: error: a.yaml is its own base");
    write_file("b.yaml", "seed: 1\nbase: ./c.yaml\n");
    write_file("c.yaml", "base: [a.yaml]\n");
    expect("base: b.yaml", "./c.yaml:1:8: error: ./a.yaml is its own base");
    write_file("b.yaml", "seed: 1\n");
    write_file("c.yaml", "base: b.yaml\nshards: 4\n");
    pt_config *c = load("base: [b.yaml, c.yaml]"); /* b twice is no circle */
    assert_int_equal(c->shards, 4);
    pt_config_destroy(&c);
}

static void test_a_base_that_comes_with_the_program_is_found_anywhere(void **state)
{
    char dir[PATH_MAX], wanted[PATH_MAX + 200];

    assert_non_null(getcwd(dir, sizeof dir));
    assert_int_equal(setenv("PTRAIN_CONFIGS", dir, 1), 0);
    assert_int_equal(mkdir("network", 0700), 0);
    write_file("network/tiny.yaml", "seed: 5\n");
    pt_config *c = load("base: ptrain:network/tiny\nshards: 4");
    assert_int_equal(c->seed, 5);
    assert_int_equal(c->shards, 4);
    pt_config_destroy(&c);
    snprintf(wanted, sizeof wanted,
             "a.yaml:1:7: error: ptrain:network/tinny: no such configuration in %s; did "
             "you mean 'ptrain:network/tiny'?",
             dir);
    expect("base: ptrain:network/tinny", wanted);
    assert_int_equal(remove("network/tiny.yaml"), 0);
    assert_int_equal(rmdir("network"), 0);
    assert_int_equal(unsetenv("PTRAIN_CONFIGS"), 0);
}

static void test_overrides_apply_in_order(void **state)
{
    const char *sets[] = {"optimizer.lr=0.5",    "optimizer={momentum: 0.5, lr: 2}",
                          "optimizer.lr=0.125",  "stages.0.epochs=3",
                          "stages.1={steps: 4}", "stages.0.frozen=[trunk, head]",
                          "run.dir=a=b",         "network.name='vgg16'",
                          "optimizer.head_lr=~"};
    pt_config *c = NULL;

    write_file("a.yaml", "stages: [{epochs: 1, name: one}]\noptimizer: {head_lr: 1}");
    assert_int_equal(pt_config_load("a.yaml", sets, 9, &c), PT_OK);
    assert_true(c->optimizer->lr == 0.125f);
    assert_true(c->optimizer->momentum == 0.5f);
    assert_false(c->optimizer->has_head_lr);
    assert_int_equal(c->n_stages, 2);
    assert_true(c->stages[0]->epochs == 3);
    assert_string_equal(c->stages[0]->name, "one");
    assert_int_equal(c->stages[0]->n_frozen, 2);
    assert_int_equal(c->stages[1]->steps, 4);
    assert_string_equal(c->run->dir, "a=b");
    assert_string_equal(c->network->name, "vgg16");
    pt_config_destroy(&c);
    /* A list that the file does not have begins with its first index. */
    write_file("a.yaml", "seed: 1");
    assert_int_equal(pt_config_load("a.yaml", &sets[3], 1, &c), PT_OK);
    assert_int_equal(c->n_stages, 1);
    pt_config_destroy(&c);
}

static void test_faulty_overrides_are_named_by_their_number(void **state)
{
    static const char *const cases[][2] = {
        {"optimizer.lr", "'optimizer.lr' is not key=value"},
        {"=3", "'=3' is not key=value"},
        {"optimizer.lr=", "'optimizer.lr=' has no value"},
        {"optimizer.lr=abc", "optimizer.lr: 'abc' is not a number"},
        {"optimiser.lr=1", "unknown key 'optimiser'; did you mean 'optimizer'?"},
        {"optimizer.lr.x=1", "optimizer.lr: expected a number, found a mapping"},
        {"optimizer..lr=1", "'optimizer..lr' is not a path of keys"},
        {"optimizer.=1", "'optimizer.' is not a path of keys"},
        {"stages.2.epochs=1", "'2' is not an index of a list of 1"},
        {"stages.x=1", "'x' is not an index of a list of 1"},
        {"schedule.at=[1", "flow sequence without a closing bracket"},
        {"base=b.yaml", "unknown key 'base'"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char faults[256];

        snprintf(faults, sizeof faults, "--set #2: error: %s", cases[i][1]);
        expect_set("stages: [{epochs: 1}]\noptimizer: {lr: 1}", cases[i][0], faults);
    }
}

static void test_what_train_needs_is_asked_for_by_name(void **state)
{
    pt_config *c = load("data: {path: x.h5}");

    assert_int_equal(pt_config_check_train(c), PT_ERR_CONFIG);
    assert_string_equal(
        pt_fail_text(),
        "run.dir is not given: the directory for results\n"
        "network.name is not given: for example resnet50 (network.graph: an "
        "ONNX model)");
    pt_config_destroy(&c);
    c = load("data: {path: x.h5}\nrun: {dir: r}\nnetwork: {name: vgg16}");
    assert_int_equal(pt_config_check_train(c), PT_OK);
    pt_config_destroy(&c);
}

static void test_suggestions_are_near(void **state)
{
    static const char *const names[] = {"lr", "momentum", "weight_decay", NULL};
    char text[PT_DID_YOU_MEAN];

    assert_string_equal(pt_suggest("momentun", names), "momentum");
    assert_string_equal(pt_suggest("MOMENTUM", names), "momentum");
    assert_string_equal(pt_suggest("weightdcay", names), "weight_decay");
    assert_null(pt_suggest("xy", names));
    assert_null(pt_suggest("", names));
    assert_null(pt_suggest("temperature", names));
    assert_string_equal(pt_did_you_mean("momentun", names, "--", text),
                        "; did you mean '--momentum'?");
    assert_string_equal(pt_did_you_mean("temperature", names, "--", text), "");
}

static void test_input_sides_that_the_network_cannot_have_are_refused(void **state)
{
    expect_set("network: {name: resnet_small}", "data.crop=30",
               "--set #2: error: data.crop 30 does not fit the network: resnet_small: "
               "input side is 30, it must be a multiple of 4");
    expect_set("network: {name: vgg16}", "data.crop=31",
               "--set #2: error: data.crop 31 does not fit the network: vgg16: input "
               "side 31 is too small: features.30 sees 1x1, its window is 2x2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_that_are_not_given_hold_the_schemas_defaults),
        cmocka_unit_test(test_every_type_is_read),
        cmocka_unit_test(test_booleans_are_those_of_yamls_core_schema),
        cmocka_unit_test(test_all_faults_of_a_file_come_at_once_in_its_order),
        cmocka_unit_test(test_values_of_the_wrong_type_are_refused),
        cmocka_unit_test(test_numbers_out_of_range_are_refused_where_they_stand),
        cmocka_unit_test(test_ends_of_ranges_that_count_are_accepted),
        cmocka_unit_test(test_a_stage_has_epochs_or_steps),
        cmocka_unit_test(test_a_base_is_merged_and_lists_replace),
        cmocka_unit_test(test_faults_of_bases_name_the_bases_lines),
        cmocka_unit_test(test_a_base_that_leads_back_is_refused),
        cmocka_unit_test(test_a_base_that_comes_with_the_program_is_found_anywhere),
        cmocka_unit_test(test_overrides_apply_in_order),
        cmocka_unit_test(test_faulty_overrides_are_named_by_their_number),
        cmocka_unit_test(test_what_train_needs_is_asked_for_by_name),
        cmocka_unit_test(test_suggestions_are_near),
        cmocka_unit_test(test_input_sides_that_the_network_cannot_have_are_refused),
    };
    return cmocka_run_group_tests(tests, enter, leave);
}
