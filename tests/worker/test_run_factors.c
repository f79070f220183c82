/* Where workers send the factors of a fully connected layer's gradient, a run has the
 * bits that it has without, and moves fewer bytes. The head of the small network has
 * 64 x 5 weights, and a worker 2 to 16 of 16 images: for some pairs of a worker and a
 * server the factors are smaller. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "common/run/factors.h"
#include "tests/support/temp_dir.h"
#include "tests/support/whole_run.h"

#define CONFIG PT_TEST_DATA "/run/base.yaml"

/* Of copies, not of lent memory; keys of 48 floats, of rows of 5: cut within a row. */
static whole_run_options options(int n_workers, int n_servers, const char *set)
{
    return (whole_run_options){.config = CONFIG,
                               .sets = {"server.shared_memory=false", set},
                               .n_servers = n_servers,
                               .n_workers = n_workers,
                               .threads = 1,
                               .shuffle = (unsigned)(n_workers + 16 * n_servers),
                               .head_floats = 48,
                               .n_train = 21,
                               .n_test = 7,
                               .salt = 3};
}

static int head_weight(const pt_run *r)
{
    return r->graph->nodes[r->graph->logits].weight;
}

/* Pairs of a worker and a server that has keys of the head; those with factors. */
static int count_pairs(const pt_run *r, int *with)
{
    int t = head_weight(r), pairs = 0;

    *with = 0;
    for (int s = 0; s < r->n_servers; s++)
        for (int w = 0; w < r->n_workers; w++) {
            pairs += pt_factors_of(r, s, t).values > 0;
            *with += pt_worker_factors(r, w, s, t);
        }
    return pairs;
}

static uint64_t bytes(const whole_run *r)
{
    uint64_t n = 0;

    for (int i = 0; i < r->n_ranks; i++) n += r->ends[i].sent;
    return n;
}

static void same(const whole_run *a, const whole_run *b, int w, int s)
{
    const char *what = whole_run_difference(a, b);

    if (what) fail_msg("%d workers, %d servers: %s differ", w, s, what);
}

/* Plays set with one worker, which sends no factors, and as each of layouts [n] {workers,
 * servers, pairs that are to have factors}. */
static void check(const char *set, const int (*layouts)[3], size_t n)
{
    whole_run_options o = options(1, 1, set);
    whole_run *a = whole_run_play_ok(&o);

    for (size_t i = 0; i < n; i++) {
        int w = layouts[i][0], s = layouts[i][1], with, pairs;
        whole_run *b;

        o = options(w, s, set);
        b = whole_run_play_ok(&o);
        pairs = count_pairs(b->run, &with);
        if (with != layouts[i][2])
            fail_msg("%d workers, %d servers: %d of %d pairs have factors", w, s, with,
                     pairs);
        same(a, b, w, s);
        whole_run_destroy(b);
    }
    whole_run_destroy(a);
}

static void test_workers_that_send_factors_give_the_same_bits(void **state)
{
    static const int layouts[][3] = {
        {2, 1, 0}, {3, 2, 5}, {4, 2, 4}, {5, 3, 9}, {8, 4, 32}};

    check(NULL, layouts, sizeof layouts / sizeof *layouts);
}

static void test_factors_of_gradients_in_bf16_give_the_same_bits(void **state)
{
    static const int layouts[][3] = {{7, 1, 6}, {8, 2, 8}};

    check("server.wire=bf16", layouts, sizeof layouts / sizeof *layouts);
}

/* Servers form from them what a worker does: from floats, not from rounded numbers. */
static void test_factors_beside_products_in_bf16_give_the_same_bits(void **state)
{
    static const int layouts[][3] = {{8, 4, 32}};

    check("engine.precision=bf16", layouts, 1);
}

static void test_factors_of_a_step_that_is_voted_on_give_the_same_bits(void **state)
{
    static const int layouts[][3] = {{6, 2, 10}};

    check("run.nonfinite=skip_all", layouts, 1);
}

/* o without factors has the bits of `with`, and moves more bytes. */
static void check_fewer_bytes(const whole_run *with, whole_run_options o)
{
    whole_run *without;

    o.sets[1] = "server.factors=off";
    without = whole_run_play_ok(&o);
    same(with, without, o.n_workers, o.n_servers);
    assert_true(bytes(with) < bytes(without));
    whole_run_destroy(without);
}

/* Two workers of each of four hosts, which share memory: the server of a fifth host gets
 * factors from each, and the new weights reach them through their homes. */
static void test_workers_that_merge_their_sums_send_factors_by_themselves(void **state)
{
    static const int hosts[] = {0, 1, 1, 2, 2, 3, 3, 4, 4};
    whole_run_options one = options(1, 1, NULL), o = options(8, 1, NULL);
    whole_run *a = whole_run_play_ok(&one), *b;
    int with;

    o.sets[0] = "server.shared_memory=true";
    o.hosts = hosts;
    b = whole_run_play_ok(&o);
    assert_int_equal(count_pairs(b->run, &with), 8);
    assert_int_equal(with, 8);
    same(a, b, 8, 1);
    check_fewer_bytes(b, o);
    whole_run_destroy(a);
    whole_run_destroy(b);
}

static void test_factors_are_fewer_bytes(void **state)
{
    whole_run_options o = options(8, 1, NULL);
    whole_run *with = whole_run_play_ok(&o);

    check_fewer_bytes(with, o);
    whole_run_destroy(with);
}

static void test_nothing_that_is_lent_goes_as_factors(void **state)
{
    whole_run_options o = options(8, 1, NULL);
    whole_run *r;
    int with;

    o.sets[0] = "server.shared_memory=true";
    r = whole_run_play_ok(&o);
    count_pairs(r->run, &with);
    assert_int_equal(with, 0);
    whole_run_destroy(r);
}

static void test_a_run_resumes_on_workers_without_factors(void **state)
{
    whole_run_options o = options(8, 2, NULL), one = options(1, 1, NULL);
    whole_run *a = whole_run_play_ok(&one), *b;
    char place[256];

    snprintf(place, sizeof place, "%s", in_dir("factors"));
    o.root = one.root = place;
    o.stop_after = 3;
    b = whole_run_play(&o);
    whole_run_assert_stopped(b);
    whole_run_destroy(b);
    one.resume = true;
    b = whole_run_play_ok(&one);
    assert_int_equal(b->first_step, 4);
    same(a, b, 1, 1);
    whole_run_destroy(a);
    whole_run_destroy(b);
    pt_checkpoint_prune(place, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_workers_that_send_factors_give_the_same_bits),
        cmocka_unit_test(test_factors_of_gradients_in_bf16_give_the_same_bits),
        cmocka_unit_test(test_factors_beside_products_in_bf16_give_the_same_bits),
        cmocka_unit_test(test_factors_of_a_step_that_is_voted_on_give_the_same_bits),
        cmocka_unit_test(test_workers_that_merge_their_sums_send_factors_by_themselves),
        cmocka_unit_test(test_factors_are_fewer_bytes),
        cmocka_unit_test(test_nothing_that_is_lent_goes_as_factors),
        cmocka_unit_test(test_a_run_resumes_on_workers_without_factors),
    };

    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
