/* Messages carry a checksum; a wait names who and what. Two ranks in one thread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "common/comm/segments.h"
#include "tests/support/loopback.h"

enum { N = 100, NONE = -1 };

/* The loopback's carrier, but one bit of each message is flipped on its way. */
static const pt_comm_ops *honest;
static int flip_channel; /* NONE: of none */

static pt_status flipping_send(void *self, pt_channel channel, int peer, int tag,
                               const void *data, size_t bytes, uintptr_t *native)
{
    char copy[N * sizeof(float)];

    memcpy(copy, data, bytes);
    if ((int)channel == flip_channel) copy[bytes / 2] ^= 4;
    return honest->send(self, channel, peer, tag, copy, bytes, native);
}

/* Sends floats [n] from rank 1 to rank 0 and gives the receiver's status. */
static pt_status pass(int flip, pt_msg_kind kind, int index, size_t n, float *got)
{
    pt_loopback *l = pt_loopback_create(2, 0);
    pt_comm to = *pt_loopback_comm(l, 0), from = *pt_loopback_comm(l, 1);
    pt_comm_ops ops = *from.ops;
    pt_request in = {0}, out = {0};
    float sent[N];
    pt_status s;

    honest = from.ops;
    ops.send = flipping_send;
    from.ops = &ops;
    flip_channel = flip;
    for (size_t i = 0; i < n; i++) sent[i] = (float)i + 0.5f;
    assert_int_equal(pt_comm_recv(&to, 1, kind, index, got, n * sizeof *got, &in), PT_OK);
    assert_int_equal(pt_comm_send(&from, 0, kind, index, sent, n * sizeof *sent, &out),
                     PT_OK);
    s = pt_comm_wait(&to, &in, 1);
    assert_int_equal(pt_comm_wait(&from, &out, 1), PT_OK);
    assert_int_equal(to.received, n * sizeof *got + PT_MSG_CHECK_BYTES);
    assert_int_equal(from.sent, to.received);
    pt_loopback_destroy(l);
    return s;
}

static void test_a_whole_message_arrives(void **state)
{
    float got[N] = {0};

    assert_int_equal(pass(NONE, PT_MSG_PUSH, 3, N, got), PT_OK);
    for (int i = 0; i < N; i++) assert_true(got[i] == (float)i + 0.5f);
    assert_int_equal(pass(NONE, PT_MSG_PUSH, 3, 0, got),
                     PT_OK); /* nothing is a message */
}

static void test_a_flipped_bit_of_any_kind_is_noticed(void **state)
{
    float got[N];

    for (int kind = PT_MSG_PAYLOAD; kind < PT_MSG_KINDS; kind++) {
        assert_int_equal(pass(PT_CHANNEL_MESSAGES, (pt_msg_kind)kind, 0, N, got),
                         PT_ERR_COMM);
        assert_non_null(strstr(pt_fail_text(), pt_msg_name((pt_msg_kind)kind)));
        assert_non_null(strstr(pt_fail_text(), "from rank 1 arrived damaged"));
    }
}

static void test_a_flipped_bit_of_a_checksum_is_noticed(void **state)
{
    float got[N];

    assert_int_equal(pass(PT_CHANNEL_CHECKSUMS, PT_MSG_PULL, 3, N, got), PT_ERR_COMM);
}

static void test_the_text_says_what_was_damaged(void **state)
{
    float got[N];

    assert_int_equal(pass(PT_CHANNEL_MESSAGES, PT_MSG_PUSH, 5 * 32 + 1, N, got),
                     PT_ERR_COMM);
    assert_non_null(strstr(pt_fail_text(),
                           "gradients from rank 1 arrived damaged (key 5, "
                           "400 bytes, checksum "));
}

/* Two messages of one tag from rank 1 to rank 0, both under way at once. */
static void pass_two(size_t part_bytes, float got[2][N])
{
    pt_loopback *l = pt_loopback_create(2, 7);
    pt_comm to = *pt_loopback_comm(l, 0), from = *pt_loopback_comm(l, 1);
    pt_request in[2] = {{0}}, out[2] = {{0}};
    float sent[2][N];

    to.part_bytes = from.part_bytes = part_bytes;
    for (int i = 0; i < 2 * N; i++) sent[i / N][i % N] = (float)i;
    for (int m = 0; m < 2; m++) {
        int index = PT_MSG_COVERS + m; /* two sub-trees of key 1 */

        assert_int_equal(
            pt_comm_recv(&to, 1, PT_MSG_PUSH, index, got[m], sizeof got[m], &in[m]),
            PT_OK);
        assert_int_equal(
            pt_comm_send(&from, 0, PT_MSG_PUSH, index, sent[m], sizeof sent[m], &out[m]),
            PT_OK);
    }
    assert_int_equal(pt_comm_wait(&to, in, 2), PT_OK);
    assert_int_equal(pt_comm_wait(&from, out, 2), PT_OK);
    pt_loopback_destroy(l);
}

static void test_messages_of_one_tag_arrive_in_order_whole_or_in_parts(void **state)
{
    static const size_t parts[] = {0, 4 * N, 4 * N - 1, 64, 4};
    float got[2][N];

    for (size_t p = 0; p < sizeof parts / sizeof *parts; p++) {
        memset(got, 0, sizeof got);
        pass_two(parts[p], got);
        for (int i = 0; i < 2 * N; i++) assert_true(got[i / N][i % N] == (float)i);
    }
}

static int waits;

/* For carriers that are asked to wait. */
static pt_status wait_for_it(void *self, uintptr_t *native)
{
    pt_status s = PT_OK;

    waits++;
    for (bool done = false; s == PT_OK && !done;) s = honest->test(self, native, &done);
    return s;
}

/* What a rank does while it waits: at its third look it sends what the wait is for. */
typedef struct {
    pt_comm *other;
    pt_request *out;
    int looks, fails_at;
} chore;

static pt_status do_chore(void *context, bool *moved)
{
    static const float value = 7;
    chore *c = context;

    if (++c->looks == c->fails_at) return pt_fail(PT_ERR_COMM, "the chore failed");
    if (c->looks == 3)
        return pt_comm_send(c->other, 0, PT_MSG_PULL, 1, &value, sizeof value, c->out);
    *moved = c->looks < 3;
    return PT_OK;
}

/* Rank 0 waits for what its own poll brings about. */
static pt_status wait_with_a_chore(int fails_at, float *got)
{
    pt_loopback *l = pt_loopback_create(2, 0);
    pt_comm *to = pt_loopback_comm(l, 0);
    pt_request in = {0}, out = {0};
    chore c = {pt_loopback_comm(l, 1), &out, 0, fails_at};
    pt_status s;

    to->poll = do_chore;
    to->poll_context = &c;
    assert_int_equal(pt_comm_recv(to, 1, PT_MSG_PULL, 1, got, sizeof *got, &in), PT_OK);
    s = pt_comm_wait(to, &in, 1);
    pt_loopback_destroy(l);
    return s;
}

static void test_a_wait_does_what_others_wait_for_or_says_why_not(void **state)
{
    float got = 0;

    assert_int_equal(wait_with_a_chore(0, &got), PT_OK);
    assert_true(got == 7);
    assert_int_equal(wait_with_a_chore(2, &got), PT_ERR_COMM);
    assert_string_equal(pt_fail_text(), "the chore failed");
}

static void test_a_carrier_that_can_wait_waits_for_each_part_and_checksum(void **state)
{
    pt_loopback *l = pt_loopback_create(2, 7);
    pt_comm to = *pt_loopback_comm(l, 0), from = *pt_loopback_comm(l, 1);
    pt_comm_ops ops = *to.ops;
    pt_request in = {0}, out = {0};
    float sent[N], got[N] = {0};

    honest = to.ops;
    ops.wait = wait_for_it;
    to.ops = &ops;
    to.part_bytes = from.part_bytes = sizeof sent / 4;
    waits = 0;
    for (int i = 0; i < N; i++) sent[i] = (float)i;
    assert_int_equal(pt_comm_recv(&to, 1, PT_MSG_PUSH, 0, got, sizeof got, &in), PT_OK);
    assert_int_equal(pt_comm_send(&from, 0, PT_MSG_PUSH, 0, sent, sizeof sent, &out),
                     PT_OK);
    assert_int_equal(pt_comm_wait(&to, &in, 1), PT_OK);
    assert_in_range(waits, 1, 4 + 1);
    assert_memory_equal(got, sent, sizeof sent);
    assert_int_equal(pt_comm_wait(&from, &out, 1), PT_OK);
    pt_loopback_destroy(l);
}

/* Ranks 0 and 1 share memory, rank 2 is on another host; rank 1's segment has N floats.
 */
typedef struct {
    pt_loopback *l;
    pt_segments *segments[2];
    float *lent;
} host;

static void init_host(host *h)
{
    h->l = pt_loopback_create(3, 0);
    assert_int_equal(pt_segments_create(0, 3, 64, &h->segments[0]), PT_OK);
    assert_int_equal(pt_segments_create(1, 3, N * sizeof(float), &h->segments[1]), PT_OK);
    for (int i = 0; i < 2; i++) {
        pt_segments_join(h->segments[i], 1 - i, h->segments[1 - i]);
        pt_loopback_comm(h->l, i)->segments = h->segments[i];
    }
    h->lent = pt_segments_take(h->segments[1], N * sizeof *h->lent);
    for (int i = 0; i < N; i++) h->lent[i] = (float)i + 0.5f;
}

static void fini_host(host *h)
{
    for (int i = 0; i < 2; i++) pt_segments_destroy(&h->segments[i]);
    pt_loopback_destroy(h->l);
}

static void test_what_is_lent_stays_where_it_is(void **state)
{
    enum { BYTES = PT_MSG_PLACE_BYTES + PT_MSG_CHECK_BYTES };
    pt_request in = {0}, out = {0};
    pt_comm *to, *from;
    host h;

    init_host(&h);
    to = pt_loopback_comm(h.l, 0);
    from = pt_loopback_comm(h.l, 1);
    assert_int_equal(pt_comm_borrow(to, 1, PT_MSG_PUSH, 0, NULL, 10 * sizeof(float), &in),
                     PT_OK);
    assert_int_equal(
        pt_comm_lend(from, 0, PT_MSG_PUSH, 0, h.lent + 7, 10 * sizeof(float), &out),
        PT_OK);
    assert_int_equal(pt_comm_wait(to, &in, 1), PT_OK);
    assert_int_equal(pt_comm_wait(from, &out, 1), PT_OK);
    assert_ptr_equal(in.data, h.lent + 7);
    assert_int_equal(to->received, BYTES);
    assert_int_equal(from->sent, BYTES);
    fini_host(&h);
}

static void test_other_hosts_get_copies_of_what_is_lent(void **state)
{
    pt_request in = {0}, out[2] = {{0}};
    float got[N];
    pt_comm *to;
    host h;

    init_host(&h);
    to = pt_loopback_comm(h.l, 2);
    assert_int_equal(pt_comm_borrow(to, 1, PT_MSG_PUSH, 0, got, sizeof got, &in), PT_OK);
    assert_int_equal(pt_comm_lend(pt_loopback_comm(h.l, 1), 2, PT_MSG_PUSH, 0, h.lent,
                                  sizeof got, out),
                     PT_OK);
    assert_int_equal(pt_comm_wait(to, &in, 1), PT_OK);
    assert_ptr_equal(in.data, got);
    assert_memory_equal(got, h.lent, sizeof got);
    assert_int_equal(to->received, sizeof got + PT_MSG_CHECK_BYTES);
    fini_host(&h);
}

static void test_a_place_outside_the_lenders_memory_is_refused(void **state)
{
    pt_request in = {0}, out = {0};
    pt_comm *to;
    host h;

    init_host(&h);
    to = pt_loopback_comm(h.l, 0);
    assert_int_equal(
        pt_comm_borrow(to, 1, PT_MSG_PUSH, 0, NULL, (N + 1) * sizeof(float), &in), PT_OK);
    assert_int_equal(pt_comm_lend(pt_loopback_comm(h.l, 1), 0, PT_MSG_PUSH, 0, h.lent,
                                  N * sizeof(float), &out),
                     PT_OK);
    assert_int_equal(pt_comm_wait(to, &in, 1), PT_ERR_COMM);
    assert_string_equal(pt_fail_text(),
                        "gradients from rank 1: 404 bytes at 0 are not in "
                        "that rank's shared memory");
    fini_host(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_whole_message_arrives),
        cmocka_unit_test(test_a_flipped_bit_of_any_kind_is_noticed),
        cmocka_unit_test(test_a_flipped_bit_of_a_checksum_is_noticed),
        cmocka_unit_test(test_the_text_says_what_was_damaged),
        cmocka_unit_test(test_messages_of_one_tag_arrive_in_order_whole_or_in_parts),
        cmocka_unit_test(test_what_is_lent_stays_where_it_is),
        cmocka_unit_test(test_other_hosts_get_copies_of_what_is_lent),
        cmocka_unit_test(test_a_place_outside_the_lenders_memory_is_refused),
        cmocka_unit_test(test_a_wait_does_what_others_wait_for_or_says_why_not),
        cmocka_unit_test(test_a_carrier_that_can_wait_waits_for_each_part_and_checksum),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
