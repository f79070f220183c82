/* Ranks that can, and that cannot, reach each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "common/comm/reach.h"
#include "tests/support/loopback.h"

enum { MOST = 70 };

static pt_loopback *job;
static pt_status how[MOST];
static char texts[MOST][256];
static int silent; /* a rank that does not take part; -1: none */

static void greet(void *context, int rank)
{
    char host[16];

    snprintf(host, sizeof host, "h%d", rank / 2);
    if (rank == silent) return;
    how[rank] = pt_reach(pt_loopback_comm(job, rank), host, *(double *)context);
    snprintf(texts[rank], sizeof texts[rank], "%s",
             how[rank] == PT_OK ? "" : pt_fail_text());
}

static void run(int n, unsigned shuffle, int without, double deadline_s)
{
    silent = without;
    job = pt_loopback_create(n, shuffle);
    pt_loopback_run(job, greet, &deadline_s);
    pt_loopback_destroy(job);
}

static void test_ranks_that_take_part_reach_each_other(void **state)
{
    static const int sizes[] = {1, 2, 5, 65};

    assert_null(*state);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (unsigned shuffle = 0; shuffle < 2; shuffle++) {
            run(sizes[i], shuffle, -1, 300);
            for (int r = 0; r < sizes[i]; r++) assert_int_equal(how[r], PT_OK);
        }
}

static void test_who_does_not_answer_is_named(void **state)
{
    assert_null(*state);
    run(4, 0, 3, 0.2);
    assert_int_equal(how[0], PT_ERR_COMM);
    assert_memory_equal(texts[0], "rank 0 (host h0) and rank 3 cannot reach each other",
                        51);
}

/* By the same rule: who sends to me receives from me. */
static void test_every_exchange_has_two_ends(void **state)
{
    assert_null(*state);
    for (int n = 1; n <= MOST; n++) {
        int met[MOST][MOST] = {{0}};

        for (int r = 0; r < n; r++)
            for (int i = 0, peer; (peer = pt_reach_peer(r, n, i)) >= 0; i++)
                met[r][peer]++;
        for (int a = 0; a < n; a++) {
            assert_int_equal(met[a][a], 0);
            for (int b = 0; b < n; b++) {
                assert_int_equal(met[a][b], met[b][a]);
                if (n <= PT_REACH_ALL) assert_int_equal(met[a][b], a != b);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranks_that_take_part_reach_each_other),
        cmocka_unit_test(test_who_does_not_answer_is_named),
        cmocka_unit_test(test_every_exchange_has_two_ends)};

    return cmocka_run_group_tests_name("common.reach", tests, NULL, NULL);
}
