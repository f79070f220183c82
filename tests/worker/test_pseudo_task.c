/* Random targets: whose they are, when they change, what they are distributed as. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <cmocka.h>

#include "worker/objective/pseudo_task.h"

enum { DIMS = 4096 };

static const size_t bytes = DIMS * sizeof(float);

static bool same_target(pt_pseudo_task p, uint64_t step, int position,
                        uint64_t other_step, int other_position)
{
    float a[DIMS], b[DIMS];

    p.seed = 7;
    p.dims = DIMS;
    pt_pseudo_task_target(&p, step, position, a);
    pt_pseudo_task_target(&p, other_step, other_position, b);
    return memcmp(a, b, bytes) == 0;
}

static void test_every_image_of_every_step_has_a_target_of_its_own(void **state)
{
    const pt_pseudo_task p = {.per = PT_PER_IMAGE};

    assert_true(same_target(p, 3, 5, 3, 5));
    assert_false(same_target(p, 3, 5, 3, 6));
    assert_false(same_target(p, 3, 5, 4, 5));
}

static void
test_a_batchs_target_is_that_of_all_its_images_and_of_no_other_step(void **state)
{
    const pt_pseudo_task p = {.per = PT_PER_BATCH};

    assert_true(same_target(p, 3, 0, 3, 63));
    assert_false(same_target(p, 3, 0, 4, 0));
}

static void test_a_fixed_target_is_that_of_all_steps(void **state)
{
    const pt_pseudo_task p = {.per = PT_PER_RUN};

    assert_true(same_target(p, 0, 0, 0, 63));
    assert_true(same_target(p, 0, 0, 1, 0));
    assert_true(same_target(p, 0, 0, 1000000, 9));
}

static void test_another_seed_draws_other_targets(void **state)
{
    pt_pseudo_task p = {.per = PT_PER_RUN, .seed = 1, .dims = DIMS};
    float a[DIMS], b[DIMS];

    pt_pseudo_task_target(&p, 0, 0, a);
    p.seed = 2;
    pt_pseudo_task_target(&p, 0, 0, b);
    assert_memory_not_equal(a, b, bytes);
}

/* Of 4096 numbers the mean is within 5 deviations of itself (1 / 64 of theirs), the
 * deviation within 6 % of what it should be. */
static void expect(const float *t, double mean, double deviation)
{
    double sum = 0, square = 0, m;

    for (int d = 0; d < DIMS; d++) sum += t[d];
    m = sum / DIMS;
    for (int d = 0; d < DIMS; d++) square += (t[d] - m) * (t[d] - m);
    assert_true(fabs(m - mean) <= 5 * deviation / 64);
    assert_true(fabs(sqrt(square / DIMS) - deviation) <= 0.06 * deviation);
}

static void test_targets_are_distributed_as_they_are_called(void **state)
{
    pt_pseudo_task p = {.seed = 7, .dims = DIMS};
    float t[DIMS], zeros[DIMS] = {0};

    pt_pseudo_task_target(&p, 0, 0, t);
    expect(t, 0.5, sqrt(1.0 / 12));
    for (int d = 0; d < DIMS; d++) assert_true(t[d] >= 0 && t[d] < 1);
    p.target = PT_TARGET_NORMAL;
    pt_pseudo_task_target(&p, 0, 0, t);
    expect(t, 0, 1);
    p.target = PT_TARGET_ZERO;
    pt_pseudo_task_target(&p, 0, 0, t);
    assert_memory_equal(t, zeros, bytes);
}

static void
test_matched_targets_have_the_mean_and_deviation_of_each_dimension(void **state)
{
    float normal[DIMS], t[DIMS], mean[DIMS], std[DIMS];
    pt_pseudo_task p = {.target = PT_TARGET_NORMAL, .seed = 7, .dims = DIMS};

    for (int d = 0; d < DIMS; d++) {
        mean[d] = (float)d / 8;
        std[d] = (float)(d % 5) / 4;
    }
    pt_pseudo_task_target(&p, 2, 1, normal);
    p.target = PT_TARGET_MATCHED;
    p.mean = mean;
    p.std = std;
    pt_pseudo_task_target(&p, 2, 1, t);
    for (int d = 0; d < DIMS; d++) assert_true(t[d] == mean[d] + std[d] * normal[d]);
    assert_true(t[1] != mean[1] && t[5] == mean[5]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_image_of_every_step_has_a_target_of_its_own),
        cmocka_unit_test(
            test_a_batchs_target_is_that_of_all_its_images_and_of_no_other_step),
        cmocka_unit_test(test_a_fixed_target_is_that_of_all_steps),
        cmocka_unit_test(test_another_seed_draws_other_targets),
        cmocka_unit_test(test_targets_are_distributed_as_they_are_called),
        cmocka_unit_test(
            test_matched_targets_have_the_mean_and_deviation_of_each_dimension),
    };

    return cmocka_run_group_tests_name("worker.pseudo_task", tests, NULL, NULL);
}
