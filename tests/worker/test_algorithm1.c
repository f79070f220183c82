/* Five steps of Algorithm 1 against PyTorch (tests/oracle/algorithm1.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "common/weights/weights.h"
#include "tests/support/golden.h"
#include "tests/support/golden_run.h"

#define DATA PT_TEST_DATA "/algorithm1/"

static void check(const char *config, const char *file, int n_workers)
{
    whole_run *r = golden_run_play(config, file, n_workers);

    assert_int_equal(golden_run_compare(file, r), 3);
    whole_run_destroy(r);
}

static void test_five_steps_with_smooth_l1_are_those_of_pytorch(void **state)
{
    check(DATA "sml1.yaml", DATA "sml1.txt", 1);
}

static void test_three_workers_take_the_same_steps_with_smooth_l1(void **state)
{
    check(DATA "sml1.yaml", DATA "sml1.txt", 3);
}

static void test_five_steps_with_l2_and_short_batches_are_those_of_pytorch(void **state)
{
    check(DATA "l2.yaml", DATA "l2.txt", 1);
}

static void test_three_workers_take_the_same_steps_with_l2(void **state)
{
    check(DATA "l2.yaml", DATA "l2.txt", 3);
}

/* Every element, through PyTorch's own file. */
static void test_the_state_that_pytorch_saved_is_the_final_state(void **state)
{
    whole_run *r = golden_run_play(DATA "sml1.yaml", DATA "sml1.txt", 2);
    const pt_graph *g = r->run->graph;
    float *theirs = calloc(g->n_floats, sizeof *theirs);

    assert_non_null(theirs);
    if (pt_weights_load(DATA "sml1.th", NULL, g, true, theirs, NULL) != PT_OK)
        fail_msg("%s", pt_fail_text());
    for (int i = 0; i < g->n_tensors; i++) {
        const pt_tensor *t = &g->tensors[i];
        double off =
            relative_distance(r->run->flat + t->offset, theirs + t->offset, t->count);

        if (!(off <= GOLDEN_RUN_OF_NORM))
            fail_msg("%s: differs by %.3g of its norm", t->name, off);
    }
    free(theirs);
    whole_run_destroy(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_five_steps_with_smooth_l1_are_those_of_pytorch),
        cmocka_unit_test(test_three_workers_take_the_same_steps_with_smooth_l1),
        cmocka_unit_test(test_five_steps_with_l2_and_short_batches_are_those_of_pytorch),
        cmocka_unit_test(test_three_workers_take_the_same_steps_with_l2),
        cmocka_unit_test(test_the_state_that_pytorch_saved_is_the_final_state),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
