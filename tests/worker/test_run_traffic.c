/* The bytes that each rank counted are those that common/run/traffic.h foretells. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "common/run/traffic.h"
#include "tests/support/whole_run.h"

#define CONFIG PT_TEST_DATA "/run/base.yaml"

enum { TRAIN = 21, TEST = 70, VALIDATION = 37 };

static const int *hosts;   /* of all ranks; NULL: unknown */
static size_t head_floats; /* of a key */
static int over_after;     /* the step after which early stopping ends the run; 0: none */

/* On one host an odd number of workers sends copies, an even one shares memory. */
static whole_run *play_validated(const char *set, int n_workers, int n_servers,
                                 int n_validation)
{
    whole_run_options o = {.config = CONFIG,
                           .sets = {n_workers % 2 && !hosts ? "server.shared_memory=false"
                                                            : "server.shared_memory=true",
                                    set, over_after ? "early_stopping.patience=1" : NULL},
                           .best_after = over_after - 2,
                           .over_after = over_after,
                           .n_servers = n_servers,
                           .n_workers = n_workers,
                           .hosts = hosts,
                           .head_floats = head_floats,
                           .threads = 1,
                           .shuffle = 5,
                           .n_train = TRAIN,
                           .n_test = TEST,
                           .n_validation = n_validation,
                           .salt = 3};

    return whole_run_play_ok(&o);
}

static whole_run *play(const char *set, int n_workers, int n_servers)
{
    return play_validated(set, n_workers, n_servers, 0);
}

static pt_traffic foretell(const whole_run *r, int worker)
{
    pt_run *run = r->run;
    int rep = pt_run_rep_size(run), classes = WHOLE_RUN_CLASSES;
    pt_traffic t = {0};

    for (int k = 0; k < r->n_steps; k++) {
        pt_traffic step;

        pt_run_enter_step(run, (uint64_t)k);
        step = whole_run_traffic(run, worker, (uint64_t)k);
        t.sent += step.sent;
        t.received += step.received;
    }
    for (int i = 0; i < r->n_tests; i++) {
        t.sent += pt_traffic_of_rows(run, worker, TEST, classes);
        t.received += pt_traffic_of_running(run);
    }
    for (int i = 0; i < r->n_validations; i++)
        t.sent += pt_traffic_of_rows(run, worker, VALIDATION, classes);
    t.received += (uint64_t)(r->n_tests - 1) * pt_traffic_of_decision(run) +
                  pt_traffic_of_handing_on(run);
    t.sent += pt_traffic_of_rows(run, worker, TRAIN, classes);
    if (run->given.feature_mean) {
        t.sent += pt_traffic_of_rows(run, worker, TRAIN, rep);
        t.received += 2 * ((uint64_t)rep * sizeof(float) + PT_MSG_CHECK_BYTES);
    }
    return t;
}

/* After the steps rank 0 gets the keys of the others. */
static uint64_t collected(const whole_run *r, int server)
{
    const pt_keys *keys = r->run->keys;
    uint64_t n = 0;

    for (int k = 0; k < keys->n; k++)
        if (keys->keys[k].server == server)
            n += keys->keys[k].count * sizeof(float) + PT_MSG_CHECK_BYTES;
    return n;
}

/* Rank 0, but for the steps: the other end of tests and collections. */
static pt_traffic beside_the_steps(const whole_run *r, const pt_traffic *of_steps)
{
    pt_traffic t = {0};

    for (int w = 0; w < r->run->n_workers; w++) {
        pt_traffic all = foretell(r, w), steps = of_steps[r->n_servers + w];

        t.sent += all.received - steps.received;
        t.received += all.sent - steps.sent;
    }
    for (int s = 1; s < r->n_servers; s++) t.received += collected(r, s);
    return t;
}

/* Of the steps alone, between ranks: every rank's are those that it counted, without what
 * is foretold of tests and collections. */
static void check_places(const whole_run *r)
{
    pt_traffic got[WHOLE_RUN_MAX_RANKS] = {{0}}, want[WHOLE_RUN_MAX_RANKS] = {{0}},
               of_steps[WHOLE_RUN_MAX_RANKS] = {{0}};
    int place[WHOLE_RUN_MAX_RANKS];

    for (int i = 0; i < r->n_ranks; i++) place[i] = i;
    for (int k = 0; k < r->n_steps; k++) {
        pt_run_enter_step(r->run, (uint64_t)k);
        assert_int_equal(pt_traffic_of_places(r->run, (uint64_t)k, place, got), PT_OK);
        for (int w = 0; w < r->run->n_workers; w++) {
            pt_traffic step = whole_run_traffic(r->run, w, (uint64_t)k);

            of_steps[r->n_servers + w].sent += step.sent;
            of_steps[r->n_servers + w].received += step.received;
        }
    }
    for (int s = 0; s < r->n_servers; s++) {
        pt_traffic more = {.sent = collected(r, s)};

        if (s == 0) more = beside_the_steps(r, of_steps);
        want[s].sent = r->ends[s].sent - more.sent;
        want[s].received = r->ends[s].received - more.received;
    }
    for (int w = 0; w < r->run->n_workers; w++) {
        int i = r->n_servers + w;
        pt_traffic all = foretell(r, w);

        want[i].sent = r->ends[i].sent - (all.sent - of_steps[i].sent);
        want[i].received = r->ends[i].received - (all.received - of_steps[i].received);
    }
    for (int i = 0; i < r->n_ranks; i++) {
        assert_int_equal(got[i].sent, want[i].sent);
        assert_int_equal(got[i].received, want[i].received);
    }
}

static void test_bytes_within_a_host_are_not_counted(void **state)
{
    const int ranks[5] = {0, 1, 2, 3, 4}, pair[5] = {0, 0, 0, 1, 1};
    pt_traffic of_ranks[5] = {{0}}, of_hosts[2] = {{0}};
    whole_run *r = play(NULL, 4, 1);

    assert_int_equal(pt_traffic_of_places(r->run, 0, ranks, of_ranks), PT_OK);
    assert_int_equal(pt_traffic_of_places(r->run, 0, pair, of_hosts), PT_OK);
    assert_true(of_hosts[0].sent == of_hosts[1].received &&
                of_hosts[1].sent == of_hosts[0].received);
    assert_true(of_hosts[1].sent > 0);
    assert_true(of_hosts[1].sent < of_ranks[3].sent + of_ranks[4].sent);
    whole_run_destroy(r);
}

static void check_run(whole_run *r, const char *set, int n_workers, int n_servers)
{
    check_places(r);
    for (int w = 0; w < n_workers; w++) {
        const whole_run_end *end = &r->ends[n_servers + w];
        pt_traffic t = foretell(r, w);

        if (t.sent != end->sent || t.received != end->received)
            fail_msg("%s: worker %d of %d sent %llu and received %llu bytes, foretold "
                     "were %llu and %llu",
                     set ? set : "base", w, n_workers, (unsigned long long)end->sent,
                     (unsigned long long)end->received, (unsigned long long)t.sent,
                     (unsigned long long)t.received);
    }
    whole_run_destroy(r);
}

static void check(const char *set, int n_workers, int n_servers)
{
    check_run(play(set, n_workers, n_servers), set, n_workers, n_servers);
}

static void check_layouts(const char *set)
{
    check(set, 1, 1);
    check(set, 3, 2);
    check(set, 8, 1);
}

static void test_bytes_with_batch_norm_across_workers_are_foretold(void **state)
{
    for (int w = 1; w <= 8; w++) check(NULL, w, 1 + w % 4);
}

/* Hosts with and without a server of a key; three workers share the keys of a host. */
static void test_bytes_are_foretold_where_hosts_have_several_workers(void **state)
{
    static const struct {
        int servers, workers, host[12];
        const char *set;
    } l[] = {
        {1, 2, {0, 1, 1}, NULL},
        {1, 5, {0, 0, 0, 1, 1, 1}, "server.wire=bf16"},
        {2, 6, {0, 1, 0, 0, 1, 1, 1, 2}, NULL},
        {2, 7, {0, 1, 0, 2, 2, 2, 3, 3, 3}, "network.batch_norm=frozen"},
        {3, 8, {0, 1, 2, 0, 0, 0, 1, 1, 2, 2, 2}, NULL},
        {4, 8, {0, 1, 2, 3, 0, 0, 1, 1, 2, 2, 3, 3}, "run.nonfinite=skip_all"},
        {3, 4, {0, 1, 2, 0, 0, 1, 2}, "optimizer.clip_norm=0.5"},
    };

    for (size_t i = 0; i < sizeof l / sizeof l[0]; i++) {
        hosts = l[i].host;
        check(l[i].set, l[i].workers, l[i].servers);
    }
    hosts = NULL;
}

static void test_bytes_with_batch_norm_per_shard_are_foretold(void **state)
{
    check_layouts("network.batch_norm=shard");
}

static void test_bytes_with_frozen_batch_norm_are_foretold(void **state)
{
    check_layouts("network.batch_norm=frozen");
}

static void test_bytes_of_gradients_in_bf16_are_foretold(void **state)
{
    check_layouts("server.wire=bf16");
}

/* In keys that are cut within rows; some workers send some servers factors, some sums. */
static void test_bytes_of_factors_are_foretold(void **state)
{
    static const int four[] = {0, 1, 1, 2, 2, 3, 3, 4, 4};

    head_floats = 48;
    for (int s = 1; s <= 4; s++)
        for (int w = s == 1 ? 3 : 5; w <= 7; w += 2) check(NULL, w, s);
    check("server.wire=bf16", 7, 2);
    check("server.factors=off", 7, 2);
    hosts = four;
    check(NULL, 8, 1);
    hosts = NULL;
    head_floats = 0;
}

static void test_bytes_of_targets_matched_to_features_are_foretold(void **state)
{
    check_layouts("pseudo_task.target=matched");
}

static void test_bytes_of_validation_images_are_foretold_and_change_no_bit(void **state)
{
    whole_run *without = play(NULL, 3, 1), *with = play_validated(NULL, 3, 1, VALIDATION);

    assert_int_equal(with->n_validations, with->n_tests);
    assert_null(whole_run_difference(with, without));
    whole_run_destroy(without);
    check_run(with, "validation", 3, 1);
    check_run(play_validated(NULL, 8, 2, VALIDATION), "validation", 8, 2);
}

static void test_bytes_of_a_run_that_ends_early_are_foretold(void **state)
{
    over_after = 4;
    for (int w = 1; w <= 8; w += w)
        check_run(play_validated("data.validation_share=0.5", w, 1, VALIDATION),
                  "early stopping", w, 1);
    over_after = 0;
}

/* The lowest batch norm of the second stage has statistics, but nothing below it wants a
 * gradient. */
static void test_bytes_of_stages_with_frozen_parts_are_foretold(void **state)
{
    check_layouts("stages=[{steps: 2, frozen: [trunk]}, {steps: 2, frozen: [conv1]}, "
                  "{steps: 2, frozen: [head, layer2]}]");
}

static void test_bytes_of_votes_are_foretold(void **state)
{
    check("run.nonfinite=skip_all", 2, 1);
    check("run.nonfinite=skip_all", 3, 4);
    check("optimizer.clip_norm=0.5", 2, 3);
}

static uint64_t bytes_of(const char *set)
{
    whole_run *r = play(set, 3, 1);
    uint64_t n = r->ends[1].sent + r->ends[1].received;

    whole_run_destroy(r);
    return n;
}

static void test_a_frozen_trunk_saves_most_of_the_traffic(void **state)
{
    uint64_t all = bytes_of("stages=[{steps: 6}]");
    uint64_t head = bytes_of("stages=[{steps: 6, frozen: [trunk]}]");

    assert_true(10 * head < all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_with_batch_norm_across_workers_are_foretold),
        cmocka_unit_test(test_bytes_are_foretold_where_hosts_have_several_workers),
        cmocka_unit_test(test_bytes_with_batch_norm_per_shard_are_foretold),
        cmocka_unit_test(test_bytes_with_frozen_batch_norm_are_foretold),
        cmocka_unit_test(test_bytes_of_gradients_in_bf16_are_foretold),
        cmocka_unit_test(test_bytes_of_factors_are_foretold),
        cmocka_unit_test(test_bytes_of_targets_matched_to_features_are_foretold),
        cmocka_unit_test(test_bytes_of_validation_images_are_foretold_and_change_no_bit),
        cmocka_unit_test(test_bytes_of_a_run_that_ends_early_are_foretold),
        cmocka_unit_test(test_bytes_of_stages_with_frozen_parts_are_foretold),
        cmocka_unit_test(test_bytes_of_votes_are_foretold),
        cmocka_unit_test(test_bytes_within_a_host_are_not_counted),
        cmocka_unit_test(test_a_frozen_trunk_saves_most_of_the_traffic),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
