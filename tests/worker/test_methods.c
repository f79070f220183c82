/* Regularizers: five steps of each against PyTorch (tests/oracle/methods.py), and what
 * must be true of all of them: the same bits on any number of workers and servers, the
 * same after a resume, the bytes that common/run/traffic.h foretells. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "common/base/digest.h"
#include "common/run/wire.h"
#include "tests/support/golden_run.h"
#include "tests/support/temp_dir.h"

#define DATA PT_TEST_DATA "/methods/"

static void check(const char *name, int regressed)
{
    char config[256], file[256];
    const int workers[] = {1, 3};

    snprintf(config, sizeof config, "%s%s.yaml", DATA, name);
    snprintf(file, sizeof file, "%s%s.txt", DATA, name);
    for (int i = 0; i < 2; i++) {
        whole_run *r = golden_run_play(config, file, workers[i]);

        assert_int_equal(golden_run_compare(file, r), regressed);
        whole_run_destroy(r);
    }
}

static void test_feature_norm_penalty_is_that_of_pytorch(void **state)
{
    check("fnp", 3);
}

static void test_confusion_of_different_pairs_is_that_of_pytorch(void **state)
{
    check("confusion", 3);
}

static void test_squared_confusion_of_all_pairs_is_that_of_pytorch(void **state)
{
    check("confusion_squared", 0);
}

static void test_spectral_shrinkage_is_that_of_pytorch(void **state)
{
    check("bss", 3);
}

static void test_l2_sp_on_kernels_is_that_of_pytorch(void **state)
{
    check("l2_sp", 0);
}

static void test_l2_sp_on_all_parameters_is_that_of_pytorch(void **state)
{
    check("l2_sp_all", 3);
}

static void test_targets_of_adarand_are_those_of_pytorch(void **state)
{
    check("adarand", 3);
}

static void test_learning_without_forgetting_is_that_of_pytorch(void **state)
{
    check("lwf", 3);
    check("lwf_stages", 0);
}

static void test_co_tuning_is_that_of_pytorch(void **state)
{
    check("co_tuning", 3);
}

static void test_stochastic_normalization_is_that_of_pytorch(void **state)
{
    check("stoch_norm", 3);
}

static void test_held_feature_maps_are_those_of_pytorch(void **state)
{
    check("delta", 3);
    check("delta_attention", 3);
}

static void test_joint_training_is_that_of_pytorch(void **state)
{
    check("joint", 3);
    check("joint_neighbours", 2);
}

static void test_norms_of_the_batch_mean_are_those_of_pytorch(void **state)
{
    check("norm_batch", 3);
}

static void test_label_smoothing_and_mixup_are_those_of_pytorch(void **state)
{
    check("soft", 3);
}

static void test_cutmix_is_that_of_pytorch(void **state)
{
    check("cutmix", 3);
}

static void test_mixup_and_cutmix_take_turns_as_in_pytorch(void **state)
{
    check("mixup_or_cutmix", 3);
}

static void test_weights_of_classes_are_those_of_pytorch(void **state)
{
    check("weights", 3);
    check("weights_mixed", 3);
}

static void test_linear_probe_then_fine_tuning_is_that_of_pytorch(void **state)
{
    check("lp_ft", 3);
}

static void test_the_average_of_weights_is_that_of_pytorch(void **state)
{
    check("average", 3);
}

static void test_adamw_after_a_frozen_trunk_is_that_of_pytorch(void **state)
{
    check("adamw", 3);
}

static void test_clipping_by_the_norm_is_that_of_pytorch(void **state)
{
    check("clip", 3);
}

static void test_all_of_them_together_are_those_of_pytorch(void **state)
{
    check("all", 2);
    check("all_mixed", 2);
}

static whole_run_options run_of(const char *config, int n_servers, int n_workers,
                                int threads)
{
    return (whole_run_options){.config = config,
                               .n_servers = n_servers,
                               .n_workers = n_workers,
                               .threads = threads,
                               .shuffle = (unsigned)n_workers,
                               .n_train = 13,
                               .n_test = 1,
                               .salt = 5};
}

static whole_run_options everything(int n_servers, int n_workers, int threads)
{
    return run_of(DATA "all.yaml", n_servers, n_workers, threads);
}

static whole_run *play(whole_run_options o)
{
    return whole_run_play_ok(&o);
}

static void assert_same(whole_run *a, whole_run *b, const char *what)
{
    const char *difference = whole_run_difference(a, b);

    if (difference) fail_msg("%s: %s", what, difference);
    whole_run_destroy(b);
}

static void test_bits_do_not_depend_on_workers_servers_and_threads(void **state)
{
    whole_run *one = play(everything(1, 1, 1));

    assert_same(one, play(everything(1, 2, 2)), "2 workers");
    assert_same(one, play(everything(2, 3, 1)), "2 servers, 3 workers");
    assert_same(one, play(everything(3, 8, 1)), "3 servers, 8 workers");
    whole_run_destroy(one);
}

/* SHA-256 of parameters and statistics after the last step, little-endian. */
static void assert_weights(const char *config, const char *expected)
{
    whole_run *r = play(run_of(config, 1, 1, 1));
    char hex[PT_DIGEST_HEX];
    pt_digest *d;

    assert_int_equal(pt_digest_create(&d), PT_OK);
    pt_digest_add(d, r->run->flat, r->run->graph->n_floats * sizeof(float));
    pt_digest_finish(&d, hex);
    assert_string_equal(hex, expected);
    whole_run_destroy(r);
}

/* Methods that exchange lines of the table (common/config/methods.h), or add to a
 * gradient at another moment, stay within the tolerance of the tests above; their bits do
 * not. */
static void test_methods_add_in_the_order_of_the_table(void **state)
{
    assert_weights(DATA "all.yaml",
                   "b2faab2033a080202dc5b0d8fbc043865d1c832e58bb916181c39afc35938baa");
    assert_weights(DATA "all_mixed.yaml",
                   "ec3cc5498d0d2e2434101c6f14e8bf078148a69bfb01bb3b68ca6ea1c6877f57");
}

/* What --dry-run and the check of memory at the start count. */
static void test_memory_of_methods_is_counted(void **state)
{
    whole_run_options o = run_of(DATA "average.yaml", 1, 1, 1);
    whole_run *with = play(o), *without, *start;
    size_t weights = with->run->graph->n_floats * sizeof(float);
    size_t parameters = with->run->graph->n_param_floats * sizeof(float);

    o.sets[0] = "average.kind=none";
    without = play(o);
    o.sets[0] = "regularizers.l2_sp.alpha=0.1";
    start = play(o);
    /* the average, and its snapshot for a checkpoint */
    assert_int_equal(pt_server_bytes(with->run, 0) - pt_server_bytes(without->run, 0),
                     2 * parameters);
    assert_int_equal(pt_run_bytes(without->run), weights);
    assert_int_equal(pt_run_bytes(start->run), 2 * weights);
    whole_run_destroy(with);
    whole_run_destroy(without);
    whole_run_destroy(start);
}

static void check_resume(const char *config)
{
    whole_run_options o = run_of(config, 1, 3, 1);
    whole_run *whole = play(o), *part;
    char root[256];

    snprintf(root, sizeof root, "%s", in_dir("checkpoints"));
    o.root = root;
    o.stop_after = 1; /* early: moments and running means reach targets two steps later */
    part = whole_run_play(&o);
    whole_run_assert_stopped(part);
    whole_run_destroy(part);
    o = run_of(config, 2, 2, 1);
    o.root = root;
    o.resume = true;
    part = play(o);
    assert_int_equal(part->first_step, 2);
    assert_same(whole, part, "resumed");
    whole_run_destroy(whole);
    pt_checkpoint_prune(root, 0);
}

static void test_a_run_that_was_stopped_goes_on_with_the_same_bits(void **state)
{
    check_resume(DATA "all.yaml");
    check_resume(DATA "lwf.yaml");
    check_resume(DATA "joint_neighbours.yaml");
    check_resume(DATA "stoch_norm.yaml");
    check_resume(DATA "delta_attention.yaml");
    check_resume(DATA "average.yaml");
    check_resume(DATA "mixup_or_cutmix.yaml");
}

static void test_bits_of_these_too_do_not_depend_on_workers_and_servers(void **state)
{
    static const char *const configs[] = {
        DATA "lwf_stages.yaml",      DATA "joint_neighbours.yaml", DATA "stoch_norm.yaml",
        DATA "delta_attention.yaml", DATA "all_mixed.yaml",        DATA "average.yaml",
        DATA "mixup_or_cutmix.yaml"};

    for (size_t i = 0; i < sizeof configs / sizeof *configs; i++) {
        whole_run *one = play(run_of(configs[i], 1, 1, 1));

        assert_same(one, play(run_of(configs[i], 2, 3, 2)), "3 workers");
        assert_same(one, play(run_of(configs[i], 1, 8, 1)), "8 workers");
        whole_run_destroy(one);
    }
}

/* A batch of 5 on 8 shards leaves workers without images, which get no terms. */
static void test_bytes_are_foretold(void **state)
{
    for (int n = 1; n <= 8; n += 7) {
        whole_run_options o = everything(1, n, 1);
        whole_run *r;

        o.sets[0] = "average.kind=ema"; /* a second set of weights */
        r = play(o);
        for (int w = 0; w < n; w++) {
            pt_traffic sum = {0};

            for (int k = 0; k < r->n_steps; k++) {
                pt_traffic t;

                pt_run_enter_step(r->run, (uint64_t)k);
                t = whole_run_traffic(r->run, w, (uint64_t)k);
                sum.sent += t.sent;
                sum.received += t.received;
            }
            sum.sent += 2 * pt_traffic_of_rows(r->run, w, 1, WHOLE_RUN_CLASSES);
            sum.received += pt_traffic_of_running(r->run) + pt_traffic_of_second(r->run);
            sum.sent += pt_traffic_of_rows(r->run, w, 13, pt_run_rep_size(r->run));
            assert_int_equal(r->ends[1 + w].sent, sum.sent);
            assert_int_equal(r->ends[1 + w].received, sum.received);
        }
        whole_run_destroy(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_feature_norm_penalty_is_that_of_pytorch),
        cmocka_unit_test(test_confusion_of_different_pairs_is_that_of_pytorch),
        cmocka_unit_test(test_squared_confusion_of_all_pairs_is_that_of_pytorch),
        cmocka_unit_test(test_spectral_shrinkage_is_that_of_pytorch),
        cmocka_unit_test(test_l2_sp_on_kernels_is_that_of_pytorch),
        cmocka_unit_test(test_l2_sp_on_all_parameters_is_that_of_pytorch),
        cmocka_unit_test(test_targets_of_adarand_are_those_of_pytorch),
        cmocka_unit_test(test_learning_without_forgetting_is_that_of_pytorch),
        cmocka_unit_test(test_co_tuning_is_that_of_pytorch),
        cmocka_unit_test(test_stochastic_normalization_is_that_of_pytorch),
        cmocka_unit_test(test_held_feature_maps_are_those_of_pytorch),
        cmocka_unit_test(test_joint_training_is_that_of_pytorch),
        cmocka_unit_test(test_norms_of_the_batch_mean_are_those_of_pytorch),
        cmocka_unit_test(test_label_smoothing_and_mixup_are_those_of_pytorch),
        cmocka_unit_test(test_cutmix_is_that_of_pytorch),
        cmocka_unit_test(test_mixup_and_cutmix_take_turns_as_in_pytorch),
        cmocka_unit_test(test_weights_of_classes_are_those_of_pytorch),
        cmocka_unit_test(test_linear_probe_then_fine_tuning_is_that_of_pytorch),
        cmocka_unit_test(test_the_average_of_weights_is_that_of_pytorch),
        cmocka_unit_test(test_adamw_after_a_frozen_trunk_is_that_of_pytorch),
        cmocka_unit_test(test_clipping_by_the_norm_is_that_of_pytorch),
        cmocka_unit_test(test_all_of_them_together_are_those_of_pytorch),
        cmocka_unit_test(test_methods_add_in_the_order_of_the_table),
        cmocka_unit_test(test_memory_of_methods_is_counted),
        cmocka_unit_test(test_bits_do_not_depend_on_workers_servers_and_threads),
        cmocka_unit_test(test_a_run_that_was_stopped_goes_on_with_the_same_bits),
        cmocka_unit_test(test_bits_of_these_too_do_not_depend_on_workers_and_servers),
        cmocka_unit_test(test_bytes_are_foretold),
    };

    return cmocka_run_group_tests_name("worker.methods", tests, make_dir, remove_dir);
}
