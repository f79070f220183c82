/* Who sends together, and what arrives at a server, as pure functions of the hosts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/base/bf16.h"
#include "common/run/tiles.h"
#include "common/run/window.h"
#include "tests/support/pattern.h"
#include "tests/support/whole_run.h"

enum { SERVERS = 2, WORKERS = 6, RANKS = SERVERS + WORKERS, KEYS = 12, FLOATS = 5 };

/* The servers are on hosts 0 and 1. */
static pt_run layout(const int *host, bool lends, pt_keys *keys, pt_key *list)
{
    *keys = (pt_keys){.keys = list, .n = KEYS, .n_servers = SERVERS};
    for (int k = 0; k < KEYS; k++) list[k] = (pt_key){.count = 1, .server = k % SERVERS};
    return (pt_run){.keys = keys,
                    .n_servers = SERVERS,
                    .n_workers = WORKERS,
                    .host = (int *)(uintptr_t)host,
                    .lends = lends};
}

static void expect_senders(const pt_run *r, int server, const pt_sender *want, int n)
{
    pt_sender got[WORKERS];

    assert_int_equal(pt_run_senders(r, server, got), n);
    for (int i = 0; i < n; i++)
        if (got[i].first != want[i].first || got[i].n != want[i].n)
            fail_msg("server %d: sender %d is %d workers from %d on", server, i, got[i].n,
                     got[i].first);
}

static void test_workers_away_from_the_server_send_together(void **state)
{
    static const int host[RANKS] = {0, 1, 0, 0, 1, 1, 1, 2};
    static const pt_sender to_0[] = {{0, 1}, {1, 1}, {2, 3}, {5, 1}},
                           to_1[] = {{0, 2}, {2, 1}, {3, 1}, {4, 1}, {5, 1}};
    pt_key list[KEYS];
    pt_keys keys;
    pt_run r = layout(host, true, &keys, list);

    expect_senders(&r, 0, to_0, 4);
    expect_senders(&r, 1, to_1, 5);
}

static void test_without_shared_memory_each_worker_sends_by_itself(void **state)
{
    static const int host[RANKS] = {0, 1, 0, 0, 1, 1, 1, 2};
    static const pt_sender each[] = {{0, 1}, {1, 1}, {2, 1}, {3, 1}, {4, 1}, {5, 1}};
    pt_key list[KEYS];
    pt_keys keys;
    pt_run copies = layout(host, false, &keys, list),
           one = layout(NULL, true, &keys, list);

    for (int s = 0; s < SERVERS; s++) {
        expect_senders(&copies, s, each, WORKERS);
        expect_senders(&one, s, each, WORKERS);
    }
}

/* The workers of a host agree on the home, which is the rank that the server expects. */
static void test_the_keys_of_a_server_go_round_the_workers_of_a_host(void **state)
{
    static const int host[RANKS] = {0, 0, 1, 1, 1, 2, 2, 0};
    static const pt_sender there[] = {{0, 3}, {3, 2}};
    int at[RANKS] = {0};
    pt_key list[KEYS];
    pt_keys keys;
    pt_run r = layout(host, true, &keys, list);

    for (int k = 0; k < KEYS; k++) {
        for (int i = 0; i < 2; i++) {
            int home = pt_sender_rank(&r, &there[i], k);

            at[home]++;
            for (int w = there[i].first; w < there[i].first + there[i].n; w++)
                assert_int_equal(pt_run_home(&r, w, k), home);
        }
        assert_int_equal(pt_run_home(&r, WORKERS - 1, k), list[k].server);
    }
    for (int w = 0; w < 3; w++) assert_int_equal(at[SERVERS + w], KEYS / 3);
    for (int w = 3; w < 5; w++) assert_int_equal(at[SERVERS + w], KEYS / 2);
}

/* ---- what arrives has the bits of one worker's sum --------------------------------- */

/* Gradients [FLOATS] of each shard, which sums overwrite. */
typedef struct {
    float of[32][FLOATS];
} shards;

static void add_floats(void *context, void *into, const void *from)
{
    for (int i = 0; i < FLOATS; i++) ((float *)into)[i] += ((const float *)from)[i];
}

static void add_bf16(void *context, void *into, const void *from)
{
    pt_bf16_add(into, from, FLOATS);
}

/* The sums of worker w, by the sub-trees of its cover. */
static void of_worker(const pt_run *r, int w, uint64_t step, shards *x,
                      void *out[PT_MAX_COVER])
{
    pt_span span = pt_run_span(r, w, step);
    pt_subtree parts[32];
    void *values[32];
    int n = span.hi - span.lo;

    for (int i = 0; i < n; i++) {
        float *leaf = x->of[span.lo + i];

        pattern_fill((uint64_t)(span.lo + i), FLOATS, leaf);
        if (span.bf16) pt_bf16_round(leaf, FLOATS);
        parts[i] = (pt_subtree){0, span.lo + i};
        values[i] = pt_shard_size(&span, span.lo + i) > 0 ? leaf : NULL;
    }
    pt_tree_merge(span.lo, span.hi, span.n_shards, parts, values, n,
                  span.bf16 ? add_bf16 : add_floats, NULL, out);
}

/* What arrives from the senders' home, or from the worker that is one. */
static void of_sender(const pt_run *r, const pt_sender *s, uint64_t step, shards *x,
                      void *out[PT_MAX_COVER])
{
    void *sums[WHOLE_RUN_MAX_RANKS][PT_MAX_COVER];
    pt_tiles t;

    for (int i = 0; i < s->n; i++) of_worker(r, s->first + i, step, x, sums[i]);
    assert_int_equal(pt_tiles_init_each(&t, r, *s), PT_OK);
    pt_tiles_enter(&t, step);
    for (int i = 0; i < t.n; i++) t.values[i] = sums[t.sender[i]][t.index[i]];
    pt_tiles_merge(&t, FLOATS, out);
    pt_tiles_fini(&t);
}

static void at_server(const pt_run *r, int server, uint64_t step, float out[FLOATS])
{
    static shards x;
    pt_sender senders[WHOLE_RUN_MAX_RANKS];
    void *sums[WHOLE_RUN_MAX_RANKS][PT_MAX_COVER], *root[PT_MAX_COVER];
    int n = pt_run_senders(r, server, senders);
    pt_tiles t;

    for (int i = 0; i < n; i++) of_sender(r, &senders[i], step, &x, sums[i]);
    assert_int_equal(pt_tiles_init(&t, r, senders, n), PT_OK);
    pt_tiles_enter(&t, step);
    for (int i = 0; i < t.n; i++) {
        t.values[i] = sums[t.sender[i]][t.index[i]];
        assert_int_equal(t.values[i] != NULL, t.full[i]);
    }
    pt_tiles_merge(&t, FLOATS, root);
    memcpy(out, root[0], FLOATS * sizeof *out);
    pt_tiles_fini(&t);
}

/* Steps of 16 images and of 5, of which 3 of 8 shards have none. */
static void same_sums(const char *set)
{
    whole_run_options o = {.config = PT_TEST_DATA "/run/base.yaml",
                           .sets = {set},
                           .n_servers = 1,
                           .n_workers = 1,
                           .n_train = 21};
    float want[2][FLOATS], got[FLOATS];
    pt_run *one = whole_run_make(&o);

    for (uint64_t step = 0; step < 2; step++) at_server(one, 0, step, want[step]);
    for (o.n_workers = 2; o.n_workers <= 8; o.n_workers++)
        for (o.n_hosts = 1; o.n_hosts <= o.n_workers; o.n_hosts++) {
            pt_run *r = whole_run_make(&o);

            r->lends = true;
            for (uint64_t step = 0; step < 2; step++) {
                at_server(r, 0, step, got);
                if (memcmp(got, want[step], sizeof got) != 0)
                    fail_msg("%d workers on %d hosts: other sums", o.n_workers,
                             o.n_hosts);
            }
            pt_run_destroy(&r);
        }
    pt_run_destroy(&one);
}

static void test_sums_merged_on_hosts_have_the_bits_of_one_worker(void **state)
{
    same_sums("server.wire=fp32");
    same_sums("server.wire=bf16");
}

/* A server has 64 MB for its copies of keys, or room for two keys. */
static void room_for_keys_of(size_t floats)
{
    whole_run_options o = {
        .config = PT_TEST_DATA "/run/base.yaml", .n_servers = 1, .n_train = 21};

    for (o.n_workers = 1; o.n_workers <= 8; o.n_workers++) {
        pt_run *r = whole_run_make(&o);
        size_t slots, copies = (size_t)pt_run_copies(r, 0);

        r->keys->keys[0].count = floats;
        slots = (size_t)pt_window_slots(r, 0);
        assert_in_range(pt_window_pushes(r, 0), 2, slots);
        assert_true(slots == 2 || slots * copies * floats * sizeof(float) <= 64 << 20);
        assert_true(copies >= (size_t)o.n_workers);
        r->lends = true; /* all are on one host */
        assert_int_equal(pt_run_copies(r, 0), 0);
        assert_int_equal(pt_window_slots(r, 0), PT_WINDOW_SLOTS);
        pt_run_destroy(&r);
    }
}

static void test_a_worker_pushes_no_more_than_the_server_has_room_for(void **state)
{
    room_for_keys_of(PT_KEY_MAX_FLOATS);
    room_for_keys_of(16 * PT_KEY_MAX_FLOATS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_workers_away_from_the_server_send_together),
        cmocka_unit_test(test_without_shared_memory_each_worker_sends_by_itself),
        cmocka_unit_test(test_the_keys_of_a_server_go_round_the_workers_of_a_host),
        cmocka_unit_test(test_sums_merged_on_hosts_have_the_bits_of_one_worker),
        cmocka_unit_test(test_a_worker_pushes_no_more_than_the_server_has_room_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
