#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/run/balance.h"

enum { N = 47, CLASSES = 6, PRESENT = 5 }; /* 47 = 9 * 5 + 2; class 3 has no image */

static int32_t labels[N];
static pt_balance *balance;

/* Of class 0 most, of class 4 two, of class 5 one. */
static int set_up(void **state)
{
    for (int i = 0; i < N; i++)
        labels[i] = i == 7 ? 5 : i % 23 == 22 ? 4 : i % 8 == 3 ? 1 : i % 9 == 5 ? 2 : 0;
    return pt_balance_create(labels, N, CLASSES, &balance) != PT_OK;
}

static int tear_down(void **state)
{
    pt_balance_destroy(&balance);
    return balance != NULL;
}

static void count(uint64_t epoch, int of_class[CLASSES], int of_place[N])
{
    uint32_t order[N];

    memset(of_class, 0, CLASSES * sizeof *of_class);
    memset(of_place, 0, N * sizeof *of_place);
    pt_balance_order(balance, 3, epoch, order);
    for (int i = 0; i < N; i++) {
        assert_in_range(order[i], 0, N - 1);
        of_place[order[i]]++;
        of_class[labels[order[i]]]++;
    }
}

static void test_each_class_has_its_share_of_every_epoch(void **state)
{
    int of_class[CLASSES], of_place[N], sum[CLASSES] = {0};

    for (uint64_t epoch = 0; epoch < PRESENT; epoch++) {
        count(epoch, of_class, of_place);
        for (int c = 0; c < CLASSES; c++) {
            if (c != 3) assert_in_range(of_class[c], N / PRESENT, N / PRESENT + 1);
            sum[c] += of_class[c];
        }
        assert_int_equal(of_class[3], 0);
    }
    for (int c = 0; c < CLASSES; c++) assert_int_equal(sum[c], c == 3 ? 0 : N);
}

static void test_no_image_is_repeated_before_all_of_its_class_have_come(void **state)
{
    int of_class[CLASSES], of_place[N], in_class[CLASSES] = {0};

    for (int i = 0; i < N; i++) in_class[labels[i]]++;
    count(11, of_class, of_place);
    for (int i = 0; i < N; i++) {
        int c = labels[i], least = of_class[c] / in_class[c];

        assert_in_range(of_place[i], least, least + (of_class[c] % in_class[c] > 0));
    }
}

static void test_an_order_is_a_function_of_seed_and_epoch_alone(void **state)
{
    uint32_t a[N], b[N];

    pt_balance_order(balance, 3, 5, a);
    pt_balance_order(balance, 3, 6, b);
    assert_memory_not_equal(a, b, sizeof a);
    pt_balance_order(balance, 4, 5, b);
    assert_memory_not_equal(a, b, sizeof a);
    pt_balance_order(balance, 3, 5, b);
    assert_memory_equal(a, b, sizeof a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_class_has_its_share_of_every_epoch),
        cmocka_unit_test(test_no_image_is_repeated_before_all_of_its_class_have_come),
        cmocka_unit_test(test_an_order_is_a_function_of_seed_and_epoch_alone),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
