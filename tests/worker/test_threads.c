#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "worker/engine/threads.h"

enum { N_ITEMS = 1000 };

typedef struct {
    int n_threads;
    int done[N_ITEMS]; /* each is written by one item only */
    int polls;
    bool bad_thread;
} tally;

static void count_item(void *context, int item, int thread)
{
    tally *t = context;

    t->done[item]++;
    if (thread < 0 || thread >= t->n_threads) t->bad_thread = true;
}

static void count_poll(void *context)
{
    ((tally *)context)->polls++;
}

static void test_every_item_is_done_once_in_each_of_many_runs(void **state)
{
    for (int threads = 1; threads <= 5; threads++) {
        pt_threads *p = NULL;
        tally t = {.n_threads = threads};

        assert_int_equal(pt_threads_create(threads, &p), PT_OK);
        assert_int_equal(pt_threads_count(p), threads);
        for (int run = 0; run < 300; run++) {
            int n = run % 7 == 0 ? N_ITEMS : run % 4;

            memset(t.done, 0, sizeof t.done);
            pt_threads_run(p, n, count_item, &t);
            for (int i = 0; i < N_ITEMS; i++) assert_int_equal(t.done[i], i < n);
        }
        assert_false(t.bad_thread);
        pt_threads_destroy(&p);
        assert_null(p);
    }
}

static void test_the_caller_polls_between_its_items(void **state)
{
    pt_threads *p = NULL;
    tally t = {.n_threads = 1};

    assert_int_equal(pt_threads_create(1, &p), PT_OK);
    pt_threads_set_poll(p, count_poll, &t);
    pt_threads_run(p, 5, count_item, &t);
    assert_int_equal(t.polls, 5);
    pt_threads_set_poll(p, NULL, NULL);
    pt_threads_run(p, 5, count_item, &t);
    assert_int_equal(t.polls, 5);
    pt_threads_destroy(&p);
}

static void test_no_threads_and_too_many_are_refused(void **state)
{
    pt_threads *p = NULL;

    assert_int_equal(pt_threads_create(0, &p), PT_ERR_CONFIG);
    assert_null(p);
    assert_int_equal(pt_threads_create(PT_MAX_THREADS + 1, &p), PT_ERR_CONFIG);
    assert_null(p);
    pt_threads_destroy(&p);
    pt_threads_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_item_is_done_once_in_each_of_many_runs),
        cmocka_unit_test(test_the_caller_polls_between_its_items),
        cmocka_unit_test(test_no_threads_and_too_many_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
