/* A message that MPI cannot count, over real MPI: two ranks, 2^31 bytes and some more
 * each way, 5 GB of memory in all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "common/comm/job.h"

static const size_t n = ((size_t)1 << 28) + 5; /* of 8 bytes */

static void test_a_message_above_2_gib_arrives_whole(void **state)
{
    pt_comm *c = pt_job_comm();
    int peer = 1 - c->rank;
    uint64_t *x = malloc(n * sizeof *x), wrong = 0;
    pt_request r = {0};

    assert_non_null(x);
    for (size_t i = 0; i < n; i++) x[i] = c->rank == 0 ? i * 0x9e3779b97f4a7c15u : 0;
    if (c->rank == 0)
        assert_int_equal(pt_comm_send(c, peer, PT_MSG_ROWS, 0, x, n * sizeof *x, &r),
                         PT_OK);
    else
        assert_int_equal(pt_comm_recv(c, peer, PT_MSG_ROWS, 0, x, n * sizeof *x, &r),
                         PT_OK);
    assert_int_equal(pt_comm_wait(c, &r, 1), PT_OK);
    for (size_t i = 0; i < n; i++) wrong += x[i] != i * 0x9e3779b97f4a7c15u;
    assert_int_equal(wrong, 0);
    free(x);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_message_above_2_gib_arrives_whole),
    };
    int failed;

    setenv("CMOCKA_TEST_ABORT", "1", 1);
    if (pt_job_start(&argc, &argv) != PT_OK) return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    return pt_job_end(PT_OK) + failed;
}
