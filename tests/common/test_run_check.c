/* What is refused, or doubted, once network and data are known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/run/run_check.h"
#include "tests/support/temp_dir.h"

enum { MAX_SETS = 4 };

/* A run of n images of a side, and what is laid over the defaults. */
typedef struct {
    const char *sets[MAX_SETS];
    const char *network;
    int side, n;
} example;

static pt_run *make(const example *e)
{
    const pt_graph_options options = {.side = e->side, .n_classes = 3};
    uint32_t *images = calloc((size_t)e->n, sizeof *images);
    pt_config *c = NULL;
    pt_graph *g = NULL;
    pt_plan *p = NULL;
    pt_run *r = NULL;
    size_t n_sets = 0;

    while (n_sets < MAX_SETS && e->sets[n_sets]) n_sets++;
    if (pt_config_load(in_dir("a.yaml"), e->sets, n_sets, &c) != PT_OK)
        fail_msg("%s", pt_fail_text());
    assert_int_equal(pt_graph_create(e->network, &options, &g), PT_OK);
    assert_int_equal(pt_plan_create(c, images, (size_t)e->n, &p), PT_OK);
    assert_int_equal(pt_run_create(c, g, p, 1, 1, &r), PT_OK);
    return r;
}

static void expect(const example *e, const char *fault)
{
    pt_run *r = make(e);
    pt_status s = pt_run_check(r);

    pt_run_destroy(&r);
    if (!fault && s != PT_OK) fail_msg("%s: %s", e->sets[0], pt_fail_text());
    if (!fault) return;
    assert_int_equal(s, PT_ERR_CONFIG);
    if (!strstr(pt_fail_text(), fault))
        fail_msg("'%s' does not say '%s'", pt_fail_text(), fault);
}

static void test_weights_of_other_classes_are_refused(void **state)
{
    const char *kind = "cross_entropy.weights=listed";
    const example good = {
        {kind, "cross_entropy.class_weights=[1, 2, 3]"}, "resnet_small", 32, 64};
    const example bad = {
        {kind, "cross_entropy.class_weights=[1, 2]"}, "resnet_small", 32, 64};

    expect(&good, NULL);
    expect(&bad, "cross_entropy.class_weights has 2 numbers, the data set has 3 classes");
}

/* mobilenet_v1 halves its maps five times. */
static void test_one_value_per_channel_is_refused_where_it_comes_first(void **state)
{
    static const example good[] = {
        {{"data.batch=32"}, "mobilenet_v1", 32, 64},
        {{"data.batch=32"}, "mobilenet_v1", 32, 66},
        {{"data.batch=32"}, "mobilenet_v1", 64, 65}, /* 2 x 2 pixels */
        {{"data.batch=32"}, "squeezenet1_1", 32, 65},
        {{"data.batch=32", "network.batch_norm=frozen"}, "mobilenet_v1", 32, 65},
        {{"data.batch=32", "stages=[{steps: 2}]"}, "mobilenet_v1", 32, 65},
        {{"data.batch=32", "stages=[{steps: 2}, {steps: 1, frozen: [trunk]}]"},
         "mobilenet_v1",
         32,
         65},
        {{"data.batch=32", "network.batch_norm=shard"}, "mobilenet_v1", 32, 48},
    };

    for (size_t i = 0; i < sizeof good / sizeof *good; i++) expect(&good[i], NULL);
    expect(&(example){{"data.batch=32"}, "mobilenet_v1", 32, 65},
           " would normalize one value per channel in step 3 (a batch of 1 image, 1 x 1 "
           "pixels there), which has no variance: use another data.batch, a larger ");
    expect(&(example){{"data.batch=1"}, "mobilenet_v1", 32, 9},
           "in step 1 (a batch of 1");
    expect(
        &(example){{"data.batch=32", "stages=[{steps: 1, frozen: [trunk]}, {steps: 2}]"},
                   "mobilenet_v1",
                   32,
                   65},
        "in step 3 (a batch of 1");
    expect(
        &(example){{"data.batch=32", "stages=[{steps: 4, frozen: [trunk]}, {steps: 9}]"},
                   "mobilenet_v1",
                   32,
                   65},
        "in step 6 (a batch of 1");
}

/* 15 images of the last batch lie in 8 shards: one of them has a single image. */
static void test_one_image_of_a_shard_is_refused_where_shards_are_normalized(void **state)
{
    expect(
        &(example){{"data.batch=32", "network.batch_norm=shard"}, "mobilenet_v1", 32, 47},
        "in step 2 (a shard of 1 image, 1 x 1 pixels there), which has no variance: use "
        "another data.batch, fewer shards, ");
}

static void test_a_warm_up_as_long_as_the_run_is_doubted(void **state)
{
    example e = {
        {"data.batch=8", "stages=[{steps: 6}, {steps: 4}]", "schedule.warmup_steps=9"},
        "squeezenet1_1",
        32,
        16};
    char line[256] = "";
    pt_run *r = make(&e);

    assert_false(pt_run_doubt(r, 0, line, sizeof line));
    pt_run_destroy(&r);
    e.sets[2] = "schedule.warmup_steps=10";
    r = make(&e);
    assert_true(pt_run_doubt(r, 0, line, sizeof line));
    assert_string_equal(line,
                        "schedule.warmup_steps is 10, but the run has 10 steps: the "
                        "rate never exceeds 0.909 of its full value");
    pt_run_destroy(&r);
    e.sets[2] = "schedule={warmup_steps: 5, per_stage: true}";
    r = make(&e);
    assert_true(pt_run_doubt(r, 0, line, sizeof line));
    assert_string_equal(line, "schedule.warmup_steps is 5, but stages.1 has 4 steps: the "
                              "rate never exceeds 0.667 of its full value");
    pt_run_destroy(&r);
    e.sets[2] = NULL;
    r = make(&e);
    assert_false(pt_run_doubt(r, 0, line, sizeof line));
    pt_run_destroy(&r);
}

static void test_a_frozen_group_that_there_is_not_is_refused(void **state)
{
    const example good = {{"stages=[{steps: 6, frozen: [trunk]}, {steps: 2, frozen: "
                           "[head, conv1, layer2.0.bn]}]"},
                          "resnet_small",
                          32,
                          64};
    const example bad = {
        {"stages=[{steps: 6, frozen: [layr1, conv1]}]"}, "resnet_small", 32, 64};
    const example many = {
        {"stages=[{steps: 6, frozen: [conv2]}]"}, "mobilenet_v1", 32, 64};

    expect(&good, NULL);
    expect(&bad, "stages.0.frozen: no parameter's name begins with 'layr1'; they begin "
                 "with conv1, bn1, layer1, layer2, layer3, fc (trunk: all but the head)");
    expect(&many, "they begin with conv1, conv1_bn, conv_dw_1, conv_dw_1_bn, conv_pw_1, "
                  "conv_pw_1_bn, conv_dw_2, conv_dw_2_bn, ... (trunk");
}

static void test_every_doubt_is_told(void **state)
{
    const example e = {{"stages=[{steps: 6}, {steps: 4, frozen: [trunk, head]}]",
                        "data={train_split: all, test_split: all}",
                        "schedule.warmup_steps=10"},
                       "resnet_small",
                       32,
                       64};
    char line[256];
    pt_run *r = make(&e);

    assert_true(pt_run_doubt(r, 0, line, sizeof line));
    assert_string_equal(line, "data.test_split is the training split, 'all': the test "
                              "accuracy is that of images that were trained on");
    assert_true(pt_run_doubt(r, 1, line, sizeof line));
    assert_string_equal(line,
                        "stages.1 freezes every parameter: nothing is trained in it");
    assert_true(pt_run_doubt(r, 2, line, sizeof line));
    assert_false(pt_run_doubt(r, 3, line, sizeof line));
    pt_run_destroy(&r);
}

static int make_file(void **state)
{
    FILE *f;

    if (make_dir(state) != 0) return -1;
    f = fopen(in_dir("a.yaml"), "w");
    return f && fputs("seed: 1\n", f) >= 0 && fclose(f) == 0 ? 0 : -1;
}

static int remove_file(void **state)
{
    unlink(in_dir("a.yaml"));
    return remove_dir(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_weights_of_other_classes_are_refused),
        cmocka_unit_test(test_one_value_per_channel_is_refused_where_it_comes_first),
        cmocka_unit_test(
            test_one_image_of_a_shard_is_refused_where_shards_are_normalized),
        cmocka_unit_test(test_a_frozen_group_that_there_is_not_is_refused),
        cmocka_unit_test(test_every_doubt_is_told),
        cmocka_unit_test(test_a_warm_up_as_long_as_the_run_is_doubted),
    };

    return cmocka_run_group_tests_name("common.run_check", tests, make_file, remove_file);
}
