/* The schedule of batch norm's sums: every message has two ends, every member gets the
 * value of the whole tree, and there are as few messages as the header promises. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/run/allreduce.h"

enum { MAX_W = 70, V = 128 };

/* What a worker of the play holds. A value is a chain that names the sum's order: merging
 * does not commute and is not associative. */
typedef struct {
    double value[V]; /* of the list's sub-trees that have images */
    int lo, hi;
    pt_move moves[PT_MAX_MOVES];
    int n_moves, at; /* at: the first of the round under way */
    bool ended[PT_MAX_MOVES];
    double came[PT_MAX_MOVES][PT_MAX_COVER];
} player;

typedef struct {
    pt_members m;
    player *p; /* [MAX_W] */
    int sent;
} play;

static void add(void *context, void *into, const void *from)
{
    *(double *)into = 0.75 * *(double *)into + *(const double *)from;
}

static double leaf(int shard)
{
    return 1.0 / (shard + 3);
}

/* The list of shards [lo, hi) by the definition, from the leaves; returns its length. */
static int plain(const pt_members *m, int lo, int hi, double out[PT_MAX_COVER])
{
    pt_span whole = {.n_shards = m->n_shards, .hi = m->n_shards, .b = m->images};
    pt_subtree leaves[V];
    void *values[V], *merged[PT_MAX_COVER];
    double x[V];
    int n, full = 0;

    for (int s = lo; s < hi; s++) {
        leaves[s - lo] = (pt_subtree){0, s};
        x[s - lo] = leaf(s);
        values[s - lo] = pt_shard_size(&whole, s) > 0 ? &x[s - lo] : NULL;
    }
    n = pt_tree_merge(lo, hi, m->n_shards, leaves, values, hi - lo, add, NULL, merged);
    for (int i = 0; i < n; i++)
        if (merged[i]) out[full++] = *(double *)merged[i];
    return full;
}

/* Appends the list of [lo, hi) to what pt_tree_merge takes; returns its values. */
static int append(const pt_members *m, int lo, int hi, double *from, pt_subtree *trees,
                  void **values, int *n)
{
    pt_span whole = {.n_shards = m->n_shards, .hi = m->n_shards, .b = m->images};
    int count = pt_tree_cover(lo, hi, m->n_shards, trees + *n), used = 0;

    for (int i = 0; i < count; i++, ++*n) {
        bool full = pt_node_size(&whole, trees[*n].level, trees[*n].index) > 0;

        values[*n] = full ? from + used++ : NULL;
    }
    return used;
}

/* All moves of the round under way have ended: merges what came. */
static void end_round(const pt_members *m, player *p)
{
    int round = p->moves[p->at].round, lo = p->lo, hi = p->hi, n = 0, full = 0, count;
    static _Thread_local pt_subtree trees[PT_MAX_MOVES * PT_MAX_COVER];
    void *values[PT_MAX_MOVES * PT_MAX_COVER], *merged[PT_MAX_COVER];
    double next[PT_MAX_COVER];
    bool own = false;

    for (; p->at < p->n_moves && p->moves[p->at].round == round; p->at++) {
        const pt_move *v = &p->moves[p->at];

        if (!v->receives) continue;
        if (!own && v->lo > p->lo) append(m, p->lo, p->hi, p->value, trees, values, &n);
        own = own || v->hi > p->lo;
        append(m, v->lo, v->hi, p->came[p->at], trees, values, &n);
        lo = v->lo < lo ? v->lo : lo;
        hi = v->hi > hi ? v->hi : hi;
    }
    if (!own) append(m, p->lo, p->hi, p->value, trees, values, &n);
    count = pt_tree_merge(lo, hi, m->n_shards, trees, values, n, add, NULL, merged);
    for (int i = 0; i < count; i++)
        if (merged[i]) next[full++] = *(double *)merged[i];
    memcpy(p->value, next, sizeof next);
    p->lo = lo;
    p->hi = hi;
}

/* The send that move `at` of worker `to` waits for, if its sender's round is under way;
 * -1: it is not. A message goes over only when both ends have posted it. */
static int matching(play *y, int to, int at)
{
    const pt_move *v = &y->p[to].moves[at];
    const player *from = &y->p[v->peer];
    int round = from->at < from->n_moves ? from->moves[from->at].round : -1;

    for (int k = from->at; k < from->n_moves && from->moves[k].round == round; k++)
        if (!from->moves[k].receives && from->moves[k].peer == to && !from->ended[k])
            return k;
    return -1;
}

/* Lets the round of worker w go as far as it can; whether anything moved. */
static bool advance(play *y, int w)
{
    player *p = &y->p[w];
    bool moved = false, all = true;
    int round = p->moves[p->at].round;

    for (int k = p->at; k < p->n_moves && p->moves[k].round == round; k++) {
        const pt_move *v = &p->moves[k];
        int other = v->receives && !p->ended[k] ? matching(y, w, k) : -1;

        if (other >= 0) {
            player *from = &y->p[v->peer];

            assert_int_equal(from->moves[other].lo, v->lo);
            assert_int_equal(from->moves[other].hi, v->hi);
            assert_int_equal(from->lo, v->lo); /* it has what it sends */
            assert_int_equal(from->hi, v->hi);
            memcpy(p->came[k], from->value, sizeof p->came[k]);
            p->ended[k] = from->ended[other] = moved = true;
            y->sent++;
        }
        all = all && p->ended[k];
    }
    if (all) end_round(&y->m, p);
    return moved || all;
}

/* Plays an exchange to its end; *sent: messages. Every member must get the root's value
 * and every move must end. */
static void check(int n_workers, int images, const int *host, play *y)
{
    double root[PT_MAX_COVER];
    bool moved = true;

    pt_members_init(&y->m, n_workers, V, images, host);
    y->sent = 0;
    memset(y->p, 0, MAX_W * sizeof *y->p);
    for (int i = 0; i < y->m.n; i++) {
        player *p = &y->p[y->m.worker[i]];

        p->lo = y->m.first[i];
        p->hi = y->m.first[i + 1];
        plain(&y->m, p->lo, p->hi, p->value);
        p->n_moves = pt_members_moves(&y->m, y->m.worker[i], p->moves);
    }
    while (moved) {
        moved = false;
        for (int w = 0; w < n_workers; w++)
            moved = (y->p[w].at < y->p[w].n_moves && advance(y, w)) || moved;
    }
    assert_int_equal(plain(&y->m, 0, V, root), 1);
    for (int w = 0; w < n_workers; w++) {
        const player *p = &y->p[w];

        assert_int_equal(p->at, p->n_moves);
        if (p->hi == 0) continue; /* no member */
        assert_int_equal(p->lo, 0);
        assert_int_equal(p->hi, V);
        assert_memory_equal(p->value, root, sizeof *root);
    }
}

static int setup(void **state)
{
    play *y = calloc(1, sizeof *y);

    if (y) y->p = calloc(MAX_W, sizeof *y->p);
    *state = y;
    return y && y->p ? 0 : 1;
}

static int teardown(void **state)
{
    free(((play *)*state)->p);
    free(*state);
    return 0;
}

static int log2_up(int n)
{
    int l = 0;

    while (1 << l < n) l++;
    return l;
}

/* ---- tests ------------------------------------------------------------------------- */

static void test_every_member_gets_the_whole_tree_in_its_order(void **state)
{
    static const int images[] = {1, 2, 3, 7, 31, 64, 100, 127, 128, 200, 999};

    for (int w = 1; w <= MAX_W; w++)
        for (int i = 0; i < 11; i++) check(w, images[i], NULL, *state);
}

static void test_hosts_of_any_sizes_give_the_same_tree(void **state)
{
    play *y = *state;
    int host[MAX_W];

    for (int w = 2; w <= MAX_W; w++)
        for (unsigned k = 1; k <= 12; k++) { /* host borders drawn from k */
            unsigned r = k * 2654435761u + (unsigned)w;

            for (int i = 0, at = 0; i < w; i++) {
                r = r * 1664525u + 1013904223u;
                host[i] = at += (r >> 24) % 12 < k;
            }
            check(w, 200, host, y);
            check(w, 50, host, y);
        }
}

/* Rounds, and what a worker sends and receives in each. */
static void test_n_members_take_log_n_rounds_of_one_list_each(void **state)
{
    play *y = *state;

    for (int w = PT_MAX_DIRECT + 1; w <= MAX_W; w++) {
        check(w, 999, NULL, y);
        for (int i = 0; i < w; i++) {
            int received = 0, sends[PT_MAX_MOVES] = {0};

            for (int k = 0; k < y->p[i].n_moves; k++) {
                const pt_move *v = &y->p[i].moves[k];

                if (v->receives)
                    received++;
                else
                    assert_true(++sends[v->round] <= 2);
            }
            assert_in_range(received, log2_up(w + 1) - 1, log2_up(w));
        }
        assert_true(y->sent <= w * log2_up(w));
        if (1 << log2_up(w) == w) assert_int_equal(y->sent, w * log2_up(w));
    }
}

static void test_few_members_send_to_each_other_at_once(void **state)
{
    play *y = *state;

    for (int w = 1; w <= PT_MAX_DIRECT; w++) {
        check(w, 999, NULL, y);
        assert_int_equal(y->sent, w * (w - 1));
        for (int k = 1; k < y->p[0].n_moves; k++)
            assert_int_equal(y->p[0].moves[k].round, y->p[0].moves[0].round);
    }
}

static void test_workers_without_images_take_no_part(void **state)
{
    play *y = *state;
    pt_move moves[PT_MAX_MOVES];

    check(32, 8, NULL, y);
    assert_int_equal(y->m.n, 8);
    assert_int_equal(y->sent, 8 * 3);
    for (int w = 0; w < 32; w++)
        if (y->p[w].hi == 0) assert_int_equal(pt_members_moves(&y->m, w, moves), 0);
    check(32, 1, NULL, y);
    assert_int_equal(y->sent, 0);
}

/* 8 hosts of 8: between hosts 8 * 3 messages, in each host 7 up and 7 down. */
static void test_only_the_first_member_of_a_host_talks_to_other_hosts(void **state)
{
    play *y = *state;
    int host[MAX_W], across = 0;

    for (int w = 0; w < 64; w++) host[w] = 100 + w / 8;
    check(64, 999, host, y);
    assert_int_equal(y->sent, 8 * 3 + 8 * 14);
    for (int w = 0; w < 64; w++)
        for (int k = 0; k < y->p[w].n_moves; k++) {
            const pt_move *v = &y->p[w].moves[k];

            if (v->receives || v->peer / 8 == w / 8) continue;
            assert_int_equal(w % 8, 0);
            assert_int_equal(v->peer % 8, 0);
            across++;
        }
    assert_int_equal(across, 8 * 3);
}

static void test_one_host_or_one_worker_a_host_gathers_nothing(void **state)
{
    play *y = *state;
    int same[MAX_W] = {0}, each[MAX_W], sent;

    for (int w = 0; w < MAX_W; w++) each[w] = w;
    check(24, 999, NULL, y);
    sent = y->sent;
    check(24, 999, same, y);
    assert_int_equal(y->sent, sent);
    check(24, 999, each, y);
    assert_int_equal(y->sent, sent);
}

static void test_the_largest_jobs_fit(void **state)
{
    play *y = *state;
    static int host[PT_MAX_SHARDS];
    pt_move moves[PT_MAX_MOVES];

    for (int per_host = 1; per_host <= PT_MAX_SHARDS; per_host *= 2) {
        for (int w = 0; w < PT_MAX_SHARDS; w++) host[w] = w / per_host;
        pt_members_init(&y->m, PT_MAX_SHARDS, PT_MAX_SHARDS, 4096, host);
        for (int w = 0; w < PT_MAX_SHARDS; w++)
            assert_in_range(pt_members_moves(&y->m, w, moves), 1, PT_MAX_MOVES);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_member_gets_the_whole_tree_in_its_order),
        cmocka_unit_test(test_hosts_of_any_sizes_give_the_same_tree),
        cmocka_unit_test(test_n_members_take_log_n_rounds_of_one_list_each),
        cmocka_unit_test(test_few_members_send_to_each_other_at_once),
        cmocka_unit_test(test_workers_without_images_take_no_part),
        cmocka_unit_test(test_only_the_first_member_of_a_host_talks_to_other_hosts),
        cmocka_unit_test(test_one_host_or_one_worker_a_host_gathers_nothing),
        cmocka_unit_test(test_the_largest_jobs_fit),
    };

    return cmocka_run_group_tests_name("common.allreduce", tests, setup, teardown);
}
