/* A run is a value: its weights, statistics, reported numbers and test outputs have the
 * same bits whoever did the work, whenever messages arrived. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/support/whole_run.h"

#define CONFIG PT_TEST_DATA "/run/base.yaml"

static whole_run_options options(int n_workers, int n_servers, int threads)
{
    return (whole_run_options){.config = CONFIG,
                               .n_servers = n_servers,
                               .n_workers = n_workers,
                               .threads = threads,
                               .n_train = 21,
                               .n_test = 70,
                               .salt = 3};
}

/* Plays o as W workers, S servers and T threads, where W + S + T is odd in copies and not
 * in shared memory, with two workers in copies of small parts; ends the test where it is
 * not a. */
static void same_as(const whole_run *a, whole_run_options o, int w, int s, int t)
{
    const char *what;
    whole_run *b;
    int n = 0;

    while (o.sets[n]) n++;
    if ((w + s + t) % 2 || w == 2) o.sets[n] = "server.shared_memory=false";
    o.n_workers = w;
    o.n_servers = s;
    o.threads = t;
    o.shuffle = (unsigned)(1 + w + 16 * s + 256 * t);
    o.part_bytes = w == 2 ? 3000 : 0;
    b = whole_run_play_ok(&o);
    what = whole_run_difference(a, b);
    if (what) fail_msg("%d workers, %d servers, %d threads: %s differ", w, s, t, what);
    whole_run_destroy(b);
}

static void some_layouts_agree(whole_run_options o)
{
    static const int layouts[][3] = {{1, 3, 2}, {2, 1, 2}, {3, 2, 1}, {8, 2, 1}};
    whole_run *a = whole_run_play_ok(&o);

    for (size_t i = 0; i < sizeof layouts / sizeof layouts[0]; i++)
        same_as(a, o, layouts[i][0], layouts[i][1], layouts[i][2]);
    whole_run_destroy(a);
}

static void
test_any_number_of_workers_servers_and_threads_gives_the_same_bits(void **state)
{
    static const int workers[] = {1, 2, 3, 4, 5, 8};
    whole_run_options o = options(1, 1, 1);
    whole_run *a = whole_run_play_ok(&o);
    int regressed = 0;

    for (int i = 0; i < 6; i++)
        for (int s = 1; s <= 3; s++) same_as(a, o, workers[i], s, 1 + (i + s) % 2);
    for (int k = 0; k < a->n_steps; k++) regressed += a->steps[k].report.w > 0;
    assert_int_equal(a->n_steps, 6);
    assert_int_equal(regressed, 4);
    assert_int_equal(a->steps[1].report.images, 5);
    assert_int_equal(a->n_tests, 3);
    assert_non_null(a->train_logits);
    whole_run_destroy(a);
}

/* More workers than send batch norm's sums to each other directly; 11 of the 32 shards of
 * a short batch are empty. Every other layout is on several hosts. */
static void many_workers_agree(const int *workers, int n, const char *set)
{
    whole_run_options o = options(1, 1, 2);
    whole_run *a;

    o.sets[0] = "shards=32";
    o.sets[1] = "data.batch=40";
    o.sets[2] = set;
    o.n_train = 61;
    a = whole_run_play_ok(&o);
    assert_int_equal(a->steps[1].report.images, 21);
    for (int i = 0; i < n; i++) {
        o.n_hosts = i % 2 * (1 + i);
        same_as(a, o, workers[i], 1 + i % 2, 1);
    }
    whole_run_destroy(a);
}

static void test_many_workers_on_any_hosts_give_the_same_bits(void **state)
{
    static const int workers[] = {4, 6, 7, 13, 16, 32};

    many_workers_agree(workers, 6, NULL);
}

/* Moving statistics: the running ones, which merge at the server, steer every step. */
static void test_many_workers_with_moving_statistics_give_the_same_bits(void **state)
{
    static const int workers[] = {13, 16};

    many_workers_agree(workers, 2, "network.stoch_norm=0.5");
}

/* The tests around this one use Winograd. */
static void test_direct_convolutions_give_the_same_bits_on_any_layout(void **state)
{
    whole_run_options o = options(1, 1, 1);

    o.sets[0] = "engine.winograd=false";
    some_layouts_agree(o);
}

static void test_batch_norm_per_shard_gives_the_same_bits(void **state)
{
    whole_run_options o = options(1, 1, 1);

    o.sets[0] = "network.batch_norm=shard";
    some_layouts_agree(o);
}

static void test_frozen_batch_norm_gives_the_same_bits(void **state)
{
    whole_run_options o = options(1, 1, 1);

    o.sets[0] = "network.batch_norm=frozen";
    some_layouts_agree(o);
}

static void test_stages_with_frozen_parts_give_the_same_bits(void **state)
{
    whole_run_options o = options(1, 1, 1);

    o.sets[0] = "stages=[{steps: 2, frozen: [trunk]}, {steps: 2}, "
                "{steps: 2, frozen: [conv1, bn1, layer1]}]";
    some_layouts_agree(o);
}

static void test_targets_matched_to_features_give_the_same_bits(void **state)
{
    whole_run_options o = options(1, 1, 1);

    o.sets[0] = "pseudo_task.target=matched";
    some_layouts_agree(o);
}

static void test_adamw_gives_the_same_bits(void **state)
{
    whole_run_options o = options(1, 1, 1);

    o.sets[0] = "optimizer={kind: adamw, lr: 0.001, head_lr: 0.003, weight_decay: 0.1}";
    o.sets[1] = "stages=[{steps: 2, frozen: [trunk]}, {steps: 4}]";
    some_layouts_agree(o);
}

/* The norm is a tree over keys, wherever they are; the factor acts on every step here. */
static void test_clipping_by_the_norm_gives_the_same_bits(void **state)
{
    whole_run_options o = options(1, 1, 1);
    whole_run *a;

    o.sets[0] = "optimizer.clip_norm=0.5";
    a = whole_run_play_ok(&o);
    for (int k = 0; k < a->n_steps; k++)
        assert_true(a->steps[k].report.gradient_norm > 0.5);
    whole_run_destroy(a);
    some_layouts_agree(o);
}

/* The mean over a batch divides by a sum over the images of all workers. */
static void test_weights_of_classes_give_the_same_bits(void **state)
{
    whole_run_options o = options(1, 1, 1);

    o.sets[0] = "cross_entropy={weights: balanced, label_smoothing: 0.1, mixup: 0.5}";
    some_layouts_agree(o);
}

static void test_balanced_sampling_gives_the_same_bits(void **state)
{
    whole_run_options o = options(1, 1, 1);

    o.sets[0] = "data.sampling=balanced";
    o.sets[1] = "cross_entropy.mixup=0.5"; /* partners, too */
    some_layouts_agree(o);
}

/* Every sum of the tree is rounded, whether a worker or a server forms it. */
static void test_gradients_in_bf16_give_the_same_bits(void **state)
{
    static const int workers[] = {2, 3, 5, 8};
    whole_run_options o = options(1, 1, 1);
    whole_run *a;

    o.sets[0] = "server.wire=bf16";
    a = whole_run_play_ok(&o);
    for (int i = 0; i < 4; i++) same_as(a, o, workers[i], 1 + i % 3, 1 + i % 2);
    whole_run_destroy(a);
}

/* What layers multiply is rounded; pairs of terms never depend on who works. */
static void test_products_in_bf16_give_the_same_bits(void **state)
{
    whole_run_options o = options(1, 1, 1);
    whole_run *a;

    o.sets[0] = "engine.precision=bf16";
    o.sets[1] = "engine.winograd=false";
    a = whole_run_play_ok(&o);
    for (int w = 1; w <= 8; w++) same_as(a, o, w, 1 + w % 3, 1 + w % 4);
    whole_run_destroy(a);
}

static void test_products_in_bf16_beside_winograd_give_the_same_bits(void **state)
{
    whole_run_options o = options(1, 1, 1);

    o.sets[0] = "engine.precision=bf16";
    some_layouts_agree(o);
}

/* ---- and what is part of a run's identity does change it --------------------------- */

static void changes_the_weights(const char *set)
{
    whole_run_options o = options(2, 1, 1);
    whole_run *a = whole_run_play_ok(&o), *b;
    size_t bytes = a->run->graph->n_param_floats * sizeof(float);

    o.sets[0] = set;
    b = whole_run_play_ok(&o);
    if (memcmp(a->run->flat, b->run->flat, bytes) == 0)
        fail_msg("%s does not change the weights", set);
    whole_run_destroy(a);
    whole_run_destroy(b);
}

static void test_adamw_has_other_weights(void **state)
{
    changes_the_weights("optimizer.kind=adamw");
}

static void test_balanced_sampling_has_other_weights(void **state)
{
    changes_the_weights("data.sampling=balanced");
}

static void test_a_run_without_the_pseudo_task_has_other_weights(void **state)
{
    changes_the_weights("pseudo_task.loss=none");
}

static void test_another_seed_has_other_weights(void **state)
{
    changes_the_weights("seed=8");
}

static void test_another_number_of_shards_has_other_weights(void **state)
{
    changes_the_weights("shards=4");
}

static void test_gradients_in_bf16_have_other_weights(void **state)
{
    changes_the_weights("server.wire=bf16");
}

static void test_products_in_bf16_have_other_weights(void **state)
{
    changes_the_weights("engine.precision=bf16");
}

static void test_batch_norm_per_shard_has_other_weights(void **state)
{
    changes_the_weights("network.batch_norm=shard");
}

/* ---- and what is not, does not ----------------------------------------------------- */

static void leaves_the_weights(const char *first, const char *second)
{
    whole_run_options o = options(2, 1, 1);
    whole_run *a, *b;

    o.sets[0] = first;
    a = whole_run_play_ok(&o);
    o.sets[1] = second;
    b = whole_run_play_ok(&o);
    assert_memory_equal(a->run->flat, b->run->flat,
                        a->run->graph->n_floats * sizeof(float));
    whole_run_destroy(a);
    whole_run_destroy(b);
}

static void test_testing_between_epochs_does_not_change_the_weights(void **state)
{
    leaves_the_weights("evaluation.every_epochs=1", "evaluation.every_epochs=0");
}

static void test_a_norm_that_is_never_reached_changes_no_bit(void **state)
{
    leaves_the_weights("run.nonfinite=stop", "optimizer.clip_norm=1.0e6");
}

/* The frozen batch norm of the second stage uses the statistics of the first. */
static void test_testing_does_not_change_a_later_frozen_stage(void **state)
{
    leaves_the_weights("stages=[{steps: 3}, {steps: 3, frozen: [layer2]}]",
                       "evaluation.every_epochs=0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_any_number_of_workers_servers_and_threads_gives_the_same_bits),
        cmocka_unit_test(test_many_workers_on_any_hosts_give_the_same_bits),
        cmocka_unit_test(test_many_workers_with_moving_statistics_give_the_same_bits),
        cmocka_unit_test(test_direct_convolutions_give_the_same_bits_on_any_layout),
        cmocka_unit_test(test_batch_norm_per_shard_gives_the_same_bits),
        cmocka_unit_test(test_frozen_batch_norm_gives_the_same_bits),
        cmocka_unit_test(test_stages_with_frozen_parts_give_the_same_bits),
        cmocka_unit_test(test_targets_matched_to_features_give_the_same_bits),
        cmocka_unit_test(test_adamw_gives_the_same_bits),
        cmocka_unit_test(test_clipping_by_the_norm_gives_the_same_bits),
        cmocka_unit_test(test_weights_of_classes_give_the_same_bits),
        cmocka_unit_test(test_balanced_sampling_gives_the_same_bits),
        cmocka_unit_test(test_gradients_in_bf16_give_the_same_bits),
        cmocka_unit_test(test_products_in_bf16_give_the_same_bits),
        cmocka_unit_test(test_products_in_bf16_beside_winograd_give_the_same_bits),
        cmocka_unit_test(test_adamw_has_other_weights),
        cmocka_unit_test(test_balanced_sampling_has_other_weights),
        cmocka_unit_test(test_a_run_without_the_pseudo_task_has_other_weights),
        cmocka_unit_test(test_another_seed_has_other_weights),
        cmocka_unit_test(test_another_number_of_shards_has_other_weights),
        cmocka_unit_test(test_gradients_in_bf16_have_other_weights),
        cmocka_unit_test(test_products_in_bf16_have_other_weights),
        cmocka_unit_test(test_batch_norm_per_shard_has_other_weights),
        cmocka_unit_test(test_testing_between_epochs_does_not_change_the_weights),
        cmocka_unit_test(test_a_norm_that_is_never_reached_changes_no_bit),
        cmocka_unit_test(test_testing_does_not_change_a_later_frozen_stage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
