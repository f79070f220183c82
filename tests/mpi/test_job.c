/* The job over real MPI, at 1, 2 and 4 ranks. A failed assert ends the program, and with
 * it the job (CMOCKA_TEST_ABORT): the other ranks must not wait for ever. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/comm/job.h"
#include "common/comm/job_share.h"
#include "common/comm/segments.h"

static void test_agreement_without_failure_is_success_everywhere(void **state)
{
    assert_int_equal(pt_job_agree(PT_OK), PT_OK);
}

static void test_all_ranks_get_the_status_of_the_lowest_that_failed(void **state)
{
    int last = pt_job_size() - 1;
    pt_status mine = PT_OK;

    if (pt_job_rank() == last) mine = pt_fail(PT_ERR_IO, "expected by the test");
    if (pt_job_rank() == last / 2) mine = pt_fail(PT_ERR_DATA, "expected by the test");
    assert_int_equal(pt_job_agree(mine), PT_ERR_DATA);
    assert_int_equal(pt_job_agree(PT_OK), PT_OK); /* and the job continues */
}

static void test_a_broadcast_brings_the_roots_bytes(void **state)
{
    const char words[] = "one line from the root";
    int root = pt_job_size() - 1;
    bool mine = pt_job_rank() == root;
    void *data = mine ? (void *)(uintptr_t)words : NULL;
    size_t n = mine ? sizeof words : 0;

    assert_int_equal(pt_job_broadcast(root, &data, &n), PT_OK);
    assert_int_equal(n, sizeof words);
    assert_string_equal(data, words);
    if (!mine) free(data);
}

static void test_floats_keep_their_bits(void **state)
{
    enum { N = 100003 };
    float *x = calloc(N, sizeof *x);

    assert_non_null(x);
    for (int i = 0; i < N && pt_job_rank() == 0; i++) x[i] = (float)i / 7 - 0.0f;
    assert_int_equal(pt_job_broadcast_into(0, x, N * sizeof *x), PT_OK);
    for (int i = 0; i < N; i++) assert_true(x[i] == (float)i / 7);
    free(x);
}

static void test_messages_of_one_tag_keep_their_order(void **state)
{
    pt_comm *c = pt_job_comm();
    int next = (c->rank + 1) % c->size, before = (c->rank + c->size - 1) % c->size;
    int sent[2] = {c->rank * 2, c->rank * 2 + 1}, got[2] = {-1, -1};
    pt_request r[4] = {{0}};
    uint64_t bytes = c->sent;

    for (int i = 0; i < 2; i++) {
        assert_int_equal(
            pt_comm_recv(c, before, PT_MSG_PUSH, 7, &got[i], sizeof got[i], &r[i]),
            PT_OK);
        assert_int_equal(
            pt_comm_send(c, next, PT_MSG_PUSH, 7, &sent[i], sizeof sent[i], &r[2 + i]),
            PT_OK);
    }
    assert_int_equal(pt_comm_wait(c, r, 4), PT_OK);
    assert_int_equal(got[0], before * 2);
    assert_int_equal(got[1], before * 2 + 1);
    assert_int_equal(c->sent - bytes, sizeof sent + 2 * PT_MSG_CHECK_BYTES);
}

static void test_large_messages_arrive_whole(void **state)
{
    enum { N = 3 << 20 };
    pt_comm *c = pt_job_comm();
    int next = (c->rank + 1) % c->size, before = (c->rank + c->size - 1) % c->size;
    uint32_t *out = calloc(N, sizeof *out), *in = calloc(N, sizeof *in);
    pt_request r[2] = {{0}};

    assert_true(out && in);
    for (int i = 0; i < N; i++) out[i] = (uint32_t)(i * 2654435761u) + (uint32_t)c->rank;
    assert_int_equal(pt_comm_recv(c, before, PT_MSG_PULL, 1, in, N * sizeof *in, &r[0]),
                     PT_OK);
    assert_int_equal(pt_comm_send(c, next, PT_MSG_PULL, 1, out, N * sizeof *out, &r[1]),
                     PT_OK);
    assert_int_equal(pt_comm_wait(c, r, 2), PT_OK);
    for (int i = 0; i < N; i++)
        assert_true(in[i] == (uint32_t)(i * 2654435761u) + (uint32_t)before);
    free(out);
    free(in);
}

static void test_a_silent_peer_is_named_at_the_deadline(void **state)
{
    pt_comm quick = *pt_job_comm();
    int x, before = (quick.rank + quick.size - 1) % quick.size, go = 1;
    pt_request owed = {0}, late = {0};
    char who[32];

    quick.pulse = NULL; /* the wait's own deadline */
    quick.deadline_s = 0.2;
    assert_int_equal(pt_comm_recv(&quick, before, PT_MSG_RECORD, 0, &x, sizeof x, &owed),
                     PT_OK);
    assert_int_equal(pt_comm_wait(&quick, &owed, 1), PT_ERR_COMM);
    snprintf(who, sizeof who, "rank %d, which owes", before);
    assert_non_null(strstr(pt_fail_text(), who));
    assert_non_null(strstr(pt_fail_text(), "step record"));
    assert_int_equal(pt_job_agree(PT_OK), PT_OK); /* all have waited: now it comes */
    assert_int_equal(pt_comm_send(&quick, (quick.rank + 1) % quick.size, PT_MSG_RECORD, 0,
                                  &go, sizeof go, &late),
                     PT_OK);
    quick.deadline_s = 60;
    assert_int_equal(pt_comm_wait(&quick, &owed, 1), PT_OK);
    assert_int_equal(pt_comm_wait(&quick, &late, 1), PT_OK);
    assert_int_equal(x, go);
}

static void test_texts_are_gathered_in_rank_order(void **state)
{
    char mine[16], *all;

    snprintf(mine, sizeof mine, "rank %d", pt_job_rank());
    all = pt_job_gather_text(mine);
    assert_true((all != NULL) == (pt_job_rank() == 0));
    for (int i = 0; i < pt_job_size() && pt_job_rank() == 0; i++) {
        char want[16];

        snprintf(want, sizeof want, "rank %d", i);
        assert_string_equal(all + (size_t)i * 256, want);
    }
    free(all);
}

static void test_sums_are_over_the_ranks_of_this_host(void **state)
{
    uint64_t sum = 0;

    assert_int_equal(pt_job_sum_on_host(5, &sum), PT_OK);
    assert_int_equal(sum, 5 * (uint64_t)pt_job_local_size());
}

static void test_one_machine_is_one_host(void **state)
{
    for (int r = 0; r < pt_job_size(); r++) assert_int_equal(pt_job_hosts()[r], 0);
    assert_string_equal(pt_job_host_of(0), pt_job_host());
}

/* Two jobs that share nothing, and one again. */
static void test_ranks_divide_into_jobs_and_unite(void **state)
{
    int size = pt_job_size(), world = pt_job_world_rank(), n = size > 1 ? 2 : 1;
    int part = -1, want = world * n / size, begin = (want * size + n - 1) / n;

    assert_int_equal(pt_job_divide(n, &part), PT_OK);
    assert_int_equal(part, want);
    assert_int_equal(pt_job_rank(), world - begin);
    assert_int_equal(pt_job_size(), ((want + 1) * size + n - 1) / n - begin);
    assert_int_equal(pt_job_broadcast_into(0, &part, sizeof part), PT_OK);
    assert_int_equal(part, want);
    assert_int_equal(pt_job_agree(part == 0 ? PT_STOPPED : PT_OK),
                     part == 0 ? PT_STOPPED : PT_OK);
    test_texts_are_gathered_in_rank_order(state);
    test_sums_are_over_the_ranks_of_this_host(state);
    assert_int_equal(pt_job_divide(1, &part), PT_OK);
    assert_int_equal(part, 0);
    assert_int_equal(pt_job_size(), size);
    assert_int_equal(pt_job_rank(), world);
    test_texts_are_gathered_in_rank_order(state);
}

/* The last test: all but rank 0 in the opposite order. */
static void test_ranks_that_change_places_speak_under_their_new_numbers(void **state)
{
    int size = pt_job_size(), world = pt_job_rank(), order[64] = {0}, from = -1;
    char host[PT_JOB_TEXT_BYTES];
    pt_comm *c = pt_job_comm();
    pt_request r[2] = {{0}};

    assert_int_equal(pt_job_world_rank(), world);
    for (int i = 1; i < size; i++) order[i] = size - i;
    assert_int_equal(pt_job_reorder(order), PT_OK);
    assert_int_equal(pt_job_world_rank(), world);
    assert_int_equal(pt_job_rank(), world == 0 ? 0 : size - world);
    assert_int_equal(c->rank, pt_job_rank());
    assert_int_equal(
        pt_comm_recv(c, (c->rank + 1) % size, PT_MSG_PUSH, 7, &from, sizeof from, &r[0]),
        PT_OK);
    assert_int_equal(pt_comm_send(c, (c->rank + size - 1) % size, PT_MSG_PUSH, 7,
                                  &c->rank, sizeof c->rank, &r[1]),
                     PT_OK);
    assert_int_equal(pt_comm_wait(c, r, 2), PT_OK);
    assert_int_equal(from, (c->rank + 1) % size);
    for (int i = 0; i < size; i++) {
        snprintf(host, sizeof host, "%s", pt_job_host());
        if (order[i] != i)
            snprintf(host, sizeof host, "%.99s, world rank %d", pt_job_host(), order[i]);
        assert_string_equal(pt_job_host_of(i), host);
    }
    test_texts_are_gathered_in_rank_order(state);
    test_sums_are_over_the_ranks_of_this_host(state);
}

/* Around the ring: each adds to what the rank before it has lent, where that is. */
static void test_ranks_of_a_host_lend_what_is_never_copied(void **state)
{
    enum { N = 100003 };
    pt_comm *c = pt_job_comm();
    int next = (c->rank + 1) % c->size, before = (c->rank + c->size - 1) % c->size;
    pt_request in = {0}, out = {0};
    float *mine, *other;
    bool works = false;

    assert_int_equal(pt_job_share(N * sizeof *mine, &works), PT_OK);
    assert_true(works);
    mine = pt_segments_take(c->segments, N * sizeof *mine);
    assert_non_null(mine);
    for (int i = 0; i < N; i++) mine[i] = (float)(c->rank + i);
    if (c->size == 1) return;
    assert_int_equal(
        pt_comm_borrow(c, before, PT_MSG_PUSH, 0, NULL, N * sizeof *mine, &in), PT_OK);
    assert_int_equal(pt_comm_lend(c, next, PT_MSG_PUSH, 0, mine, N * sizeof *mine, &out),
                     PT_OK);
    assert_int_equal(pt_comm_wait(c, &in, 1), PT_OK);
    assert_int_equal(pt_comm_wait(c, &out, 1), PT_OK);
    other = in.data;
    for (int i = 0; i < N; i++) {
        assert_true(other[i] == (float)(before + i));
        other[i] += 1;
    }
    assert_int_equal(pt_job_agree(PT_OK), PT_OK);
    for (int i = 0; i < N; i++) assert_true(mine[i] == (float)(c->rank + i + 1));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_agreement_without_failure_is_success_everywhere),
        cmocka_unit_test(test_all_ranks_get_the_status_of_the_lowest_that_failed),
        cmocka_unit_test(test_a_broadcast_brings_the_roots_bytes),
        cmocka_unit_test(test_floats_keep_their_bits),
        cmocka_unit_test(test_messages_of_one_tag_keep_their_order),
        cmocka_unit_test(test_large_messages_arrive_whole),
        cmocka_unit_test(test_a_silent_peer_is_named_at_the_deadline),
        cmocka_unit_test(test_texts_are_gathered_in_rank_order),
        cmocka_unit_test(test_sums_are_over_the_ranks_of_this_host),
        cmocka_unit_test(test_ranks_of_a_host_lend_what_is_never_copied),
        cmocka_unit_test(test_one_machine_is_one_host),
        cmocka_unit_test(test_ranks_divide_into_jobs_and_unite),
        cmocka_unit_test(test_ranks_that_change_places_speak_under_their_new_numbers),
    };
    int failed;

    setenv("CMOCKA_TEST_ABORT", "1", 1);
    if (pt_job_start(&argc, &argv) != PT_OK) return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    return pt_job_end(PT_OK) + failed;
}
