/* Workers of a host merge their gradients in shared memory before they cross the network:
 * the same bits on any hosts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/support/whole_run.h"

static whole_run_options options(void)
{
    return (whole_run_options){.config = PT_TEST_DATA "/run/base.yaml",
                               .n_servers = 1,
                               .n_workers = 1,
                               .threads = 1,
                               .n_train = 21,
                               .n_test = 70,
                               .salt = 3};
}

/* The hosts of a job: of its servers, then of its workers. */
typedef struct {
    int servers, workers, host[12];
} layout;

static void same_on(const whole_run *a, whole_run_options o, const layout *l)
{
    const char *what;
    whole_run *b;

    o.n_servers = l->servers;
    o.n_workers = l->workers;
    o.hosts = l->host;
    o.shuffle = (unsigned)(1 + l->workers + 16 * l->servers);
    b = whole_run_play_ok(&o);
    what = whole_run_difference(a, b);
    if (what) fail_msg("%d servers, %d workers: %s differ", l->servers, l->workers, what);
    whole_run_destroy(b);
}

static void all_agree(whole_run_options o, const layout *l, size_t n)
{
    whole_run *a = whole_run_play_ok(&o);

    for (size_t i = 0; i < n; i++) same_on(a, o, &l[i]);
    whole_run_destroy(a);
}

static void test_hosts_of_any_size_give_the_same_bits(void **state)
{
    static const layout l[] = {
        {1, 2, {0, 1, 1}},
        {1, 3, {0, 1, 1, 1}},
        {2, 5, {0, 1, 0, 0, 1, 1, 1}},
        {3, 6, {0, 0, 0, 1, 1, 1, 2, 2, 3}},
        {3, 8, {0, 1, 2, 0, 1, 1, 1, 1, 1, 2, 2}},
        {4, 8, {0, 1, 2, 3, 0, 1, 2, 3, 4, 5, 6, 7}},
    };

    all_agree(options(), l, sizeof l / sizeof l[0]);
}

/* Steps of two images, so that two of the hosts have none. */
static void test_hosts_without_images_give_the_same_bits(void **state)
{
    static const layout l[] = {{1, 8, {0, 1, 1, 2, 2, 3, 3, 4, 4}}};
    whole_run_options o = options();

    o.n_train = 18;
    all_agree(o, l, 1);
}

static void test_hosts_that_merge_bf16_give_the_same_bits(void **state)
{
    static const layout l[] = {{1, 3, {0, 1, 1, 1}},
                               {2, 5, {0, 1, 1, 1, 1, 2, 2}},
                               {4, 8, {0, 0, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3}}};
    whole_run_options o = options();

    o.sets[0] = "server.wire=bf16";
    all_agree(o, l, sizeof l / sizeof l[0]);
}

/* New weights stay in the gradients of a home until all have copied them, while it may
 * get the second set for a test already; a stage with frozen parts has fewer duties. */
static void test_stages_votes_and_second_weights_give_the_same_bits(void **state)
{
    static const layout l[] = {{2, 5, {0, 1, 2, 2, 2, 3, 3}}};
    whole_run_options o = options();

    o.sets[0] = "stages=[{steps: 2, frozen: [trunk]}, {steps: 2}, "
                "{steps: 2, frozen: [conv1, bn1, layer1]}]";
    o.sets[1] = "run.nonfinite=skip_all";
    o.sets[2] = "average={kind: ema, decay: 0.5}";
    all_agree(o, l, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hosts_of_any_size_give_the_same_bits),
        cmocka_unit_test(test_hosts_without_images_give_the_same_bits),
        cmocka_unit_test(test_hosts_that_merge_bf16_give_the_same_bits),
        cmocka_unit_test(test_stages_votes_and_second_weights_give_the_same_bits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
