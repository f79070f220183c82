/* What a run does besides training: it measures features, freezes parts, measures
 * gradients, and stops on every rank when a number is not finite. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/run/wire.h"
#include "tests/support/whole_run.h"
#include "worker/engine/net/net.h"

#define CONFIG PT_TEST_DATA "/run/base.yaml"

enum { TRAIN = 21 };

static whole_run_options options(int n_workers, int n_servers)
{
    return (whole_run_options){.config = CONFIG,
                               .n_servers = n_servers,
                               .n_workers = n_workers,
                               .threads = 1,
                               .shuffle = 9,
                               .n_train = TRAIN,
                               .n_test = 3,
                               .salt = 3};
}

/* ---- features --------------------------------------------------------------------- */

/* Representations [TRAIN][dims] by the start weights, images in order. */
static float *features(const whole_run_options *o, const pt_run *run)
{
    size_t dims = (size_t)pt_run_rep_size(run);
    float *flat = calloc(run->graph->n_floats, sizeof *flat);
    float *images = whole_run_images(o, run), *out = malloc(TRAIN * dims * sizeof *out);
    pt_net_options opt = {.graph = run->graph,
                          .weights = flat,
                          .max_images = TRAIN,
                          .n_shards = 1,
                          .hi = 1};
    pt_net *net = NULL;

    assert_true(flat && out);
    whole_run_start(run->graph, flat);
    assert_int_equal(pt_threads_create(1, &opt.pool), PT_OK);
    assert_int_equal(pt_net_create(&opt, &net), PT_OK);
    assert_int_equal(pt_net_evaluate(net, TRAIN, images), PT_OK);
    memcpy(out, pt_net_output(net, run->graph->rep), TRAIN * dims * sizeof *out);
    pt_net_destroy(&net);
    pt_threads_destroy(&opt.pool);
    free(flat);
    free(images);
    return out;
}

static void test_matched_targets_have_the_features_mean_and_deviation(void **state)
{
    whole_run_options o = options(3, 2);
    whole_run *r;
    size_t dims;
    float *x;

    o.sets[0] = "pseudo_task.target=matched";
    r = whole_run_play_ok(&o);
    dims = (size_t)pt_run_rep_size(r->run);
    x = features(&o, r->run);
    for (size_t d = 0; d < dims; d++) {
        long double sum = 0, square = 0;
        double mean, std;

        for (size_t i = 0; i < TRAIN; i++) {
            sum += x[i * dims + d];
            square += (long double)x[i * dims + d] * x[i * dims + d];
        }
        mean = (double)(sum / TRAIN);
        std = (double)sqrtl((square - sum * sum / TRAIN) / TRAIN);
        assert_true(fabs(r->run->given.feature_mean[d] - mean) <= 1e-7 * fabs(mean));
        assert_true(fabs(r->run->given.feature_std[d] - std) <= 1e-6 * std);
    }
    assert_memory_equal(r->run->given.feature_mean, r->first->given.feature_mean,
                        dims * sizeof(float));
    assert_memory_equal(r->run->given.feature_std, r->first->given.feature_std,
                        dims * sizeof(float));
    free(x);
    whole_run_destroy(r);
}

/* ---- stages ----------------------------------------------------------------------- */

static bool tensor_moved(const pt_tensor *t, const float *a, const float *b)
{
    return memcmp(a + t->offset, b + t->offset, t->count * sizeof *a) != 0;
}

static void test_frozen_parameters_and_their_statistics_stay_bit_equal(void **state)
{
    whole_run_options o = options(3, 1);
    whole_run *r;
    const pt_graph *g;
    float *start;

    o.sets[0] = "stages=[{steps: 3, frozen: [trunk]}, {steps: 3}]";
    r = whole_run_play_ok(&o);
    g = r->run->graph;
    start = calloc(g->n_floats, sizeof *start);
    assert_non_null(start);
    whole_run_start(g, start);
    for (int i = 0; i < g->n_tensors; i++) {
        const pt_tensor *t = &g->tensors[i];

        assert_int_equal(tensor_moved(t, start, r->steps[2].flat), t->head);
        assert_true(tensor_moved(t, start, r->run->flat));
    }
    assert_int_equal(r->steps[2].report.stage, 0);
    assert_int_equal(r->steps[3].report.stage, 1);
    free(start);
    whole_run_destroy(r);
}

static void test_a_head_without_a_rate_of_its_own_has_the_trunks(void **state)
{
    whole_run_options o = options(1, 1);
    whole_run *r;

    o.sets[0] = "optimizer.head_lr=null";
    r = whole_run_play_ok(&o);
    for (int k = 0; k < r->n_steps; k++)
        assert_true(r->steps[k].report.head_lr == r->steps[k].report.lr);
    assert_true(r->steps[0].report.lr > r->steps[5].report.lr); /* the schedule's too */
    whole_run_destroy(r);
}

/* ---- diagnostic passes ------------------------------------------------------------ */

static void test_measuring_gradients_does_not_change_a_run(void **state)
{
    whole_run_options o = options(3, 2);
    whole_run *plain = whole_run_play_ok(&o), *probed, *alone;
    const char *what;
    int n = 0;

    o.sets[0] = "run.gradient_ratio_every=2";
    probed = whole_run_play_ok(&o);
    o.n_workers = 1;
    alone = whole_run_play_ok(&o);
    what = whole_run_difference(plain, probed);
    if (what) fail_msg("%s differ", what);
    for (int k = 0; k < probed->n_steps; k++) {
        const pt_step_report *r = &probed->steps[k].report;

        assert_int_equal(r->probed, k % 2 == 0 && r->w > 0);
        assert_int_equal(plain->steps[k].report.probed, false);
        if (!r->probed) continue;
        n++;
        assert_true(isfinite(r->probe_ce) && r->probe_ce > 0);
        assert_true(isfinite(r->probe_ptr) && r->probe_ptr > 0);
        assert_memory_equal(&r->probe_ce, &alone->steps[k].report.probe_ce,
                            sizeof(double));
        assert_memory_equal(&r->probe_ptr, &alone->steps[k].report.probe_ptr,
                            sizeof(double));
    }
    assert_int_equal(n, 2);
    whole_run_destroy(plain);
    whole_run_destroy(probed);
    whole_run_destroy(alone);
}

/* ---- numbers that are not finite -------------------------------------------------- */

/* The step in which an image is seen first. */
static int first_step_of(pt_plan *plan, uint32_t image)
{
    for (uint64_t k = 0; k < plan->total_steps; k++) {
        int b = pt_plan_batch_size(plan, k);
        uint32_t ids[64];

        pt_plan_images(plan, k, 0, b, ids);
        for (int i = 0; i < b; i++)
            if (ids[i] == image) return (int)k;
    }
    fail_msg("image %u is never seen", image);
    return -1;
}

static void stops(const char *set, int image, const char *expected)
{
    whole_run_options o = options(3, 2);
    whole_run *r;
    char step[32];
    int k;

    o.sets[0] = set;
    o.spoilt = image + 1;
    r = whole_run_play(&o);
    k = first_step_of(r->run->plan, (uint32_t)image);
    for (int i = 0; i < r->n_ranks; i++) {
        assert_int_equal(r->ends[i].status, PT_ERR_NUMERIC);
        assert_true(r->ends[i].agreed);
    }
    snprintf(step, sizeof step, "step %d of 6: ", k + 1); /* as on the progress line */
    if (!strstr(r->ends[0].text, step) || !strstr(r->ends[0].text, expected))
        fail_msg("'%s' does not say '%s' and '%s'", r->ends[0].text, step, expected);
    assert_int_equal(r->n_steps, k); /* nothing was updated in the step */
    whole_run_destroy(r);
}

/* With statistics of the whole batch every image is spoilt; the step reports it. */
static void test_a_nan_in_an_image_stops_every_rank(void **state)
{
    stops("network.batch_norm=sync", 17, " images are not finite");
}

static void test_a_nan_in_an_image_names_the_image(void **state)
{
    stops("network.batch_norm=frozen", 17, "of 1 image are not finite (image 17)");
    stops("network.batch_norm=frozen", 4, "(image 4)");
}

/* Which it writes to files. */
static void test_at_the_end_rank_0_has_what_all_servers_own(void **state)
{
    whole_run_options o = options(2, 1), more = options(2, 3);
    whole_run *one, *three;
    size_t bytes;

    o.sets[0] = more.sets[0] = "average={kind: ema, decay: 0.5}";
    one = whole_run_play_ok(&o);
    three = whole_run_play_ok(&more);
    bytes = one->run->graph->n_param_floats * sizeof(float);
    assert_memory_equal(three->first->flat, three->run->flat, bytes);
    assert_memory_equal(three->first->flat, one->first->flat, bytes);
    assert_memory_equal(three->second, one->second, bytes);
    whole_run_destroy(one);
    whole_run_destroy(three);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matched_targets_have_the_features_mean_and_deviation),
        cmocka_unit_test(test_frozen_parameters_and_their_statistics_stay_bit_equal),
        cmocka_unit_test(test_a_head_without_a_rate_of_its_own_has_the_trunks),
        cmocka_unit_test(test_measuring_gradients_does_not_change_a_run),
        cmocka_unit_test(test_a_nan_in_an_image_stops_every_rank),
        cmocka_unit_test(test_a_nan_in_an_image_names_the_image),
        cmocka_unit_test(test_at_the_end_rank_0_has_what_all_servers_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
