#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/base/rng.h"
#include "common/base/status.h"
#include "common/run/shards.h"

enum { MAX_V = 64, MAX_B = 40, WIDTH = 3 };

static void test_shards_tile_the_batch_and_differ_by_one_image(void **state)
{
    for (int v = 1; v <= MAX_V; v *= 2) {
        for (int b = 0; b <= MAX_B; b++) {
            pt_span p = {.n_shards = v, .lo = 0, .hi = v, .b = b};
            int at = 0;

            for (int s = 0; s < v; s++) {
                int n = pt_shard_size(&p, s);
                assert_int_equal(pt_shard_begin(s, v, b), at);
                assert_int_equal(at, s * b / v);
                assert_true(n == b / v || n == b / v + 1);
                at += n;
            }
            assert_int_equal(at, b);
            assert_int_equal(pt_shard_begin(v, v, b), b);
            assert_int_equal(pt_span_first(&p), 0);
            assert_int_equal(pt_span_images(&p), b);
        }
    }
}

static void test_a_node_has_the_images_of_its_shards(void **state)
{
    for (int b = 0; b <= MAX_B; b++) {
        pt_span p = {.n_shards = 16, .lo = 0, .hi = 16, .b = b};

        for (int level = 0; level <= 4; level++) {
            for (int i = 0; i < 16 >> level; i++) {
                int n = 0;
                for (int s = i << level; s < (i + 1) << level; s++)
                    n += pt_shard_size(&p, s);
                assert_int_equal(pt_node_size(&p, level, i), n);
            }
        }
    }
}

static void test_large_batches_do_not_overflow(void **state)
{
    assert_int_equal(pt_shard_begin(1024, 1024, INT32_MAX), INT32_MAX);
    assert_int_equal(pt_shard_begin(1023, 1024, INT32_MAX), 2145386495);
}

static void test_workers_tile_the_shards_and_differ_by_one(void **state)
{
    for (int v = 1; v <= MAX_V; v *= 2) {
        for (int w = 1; w <= v; w++) {
            int at = 0;

            for (int i = 0; i < w; i++) {
                int lo, hi;
                pt_worker_shards(i, w, v, &lo, &hi);
                assert_int_equal(lo, at);
                assert_true(hi - lo == v / w || hi - lo == v / w + 1);
                at = hi;
            }
            assert_int_equal(at, v);
        }
    }
}

static void test_a_span_is_where_its_worker_stands_in_the_batch(void **state)
{
    for (int w = 1; w <= 8; w++) {
        for (int b = 0; b <= MAX_B; b++) {
            int at = 0;
            for (int i = 0; i < w; i++) {
                pt_span p = {.n_shards = 8, .b = b};
                pt_worker_shards(i, w, 8, &p.lo, &p.hi);
                assert_int_equal(pt_span_first(&p), at);
                for (int k = p.lo; k < p.hi; k++) {
                    size_t begin, end;

                    pt_shard_images(&p, k, &begin, &end);
                    assert_int_equal(begin + (size_t)at, pt_shard_begin(k, 8, b));
                    assert_int_equal(end - begin, pt_shard_size(&p, k));
                }
                at += pt_span_images(&p);
            }
            assert_int_equal(at, b);
        }
    }
}

/* Is node (level, index) inside [lo, hi)? */
static int inside(int level, int index, int lo, int hi)
{
    return index << level >= lo && (index + 1) << level <= hi;
}

static void test_the_cover_of_any_run_tiles_it_and_is_maximal(void **state)
{
    pt_subtree t[PT_MAX_COVER];

    for (int v = 1; v <= MAX_V; v *= 2) {
        for (int lo = 0; lo <= v; lo++) {
            for (int hi = lo; hi <= v; hi++) {
                int n = pt_tree_cover(lo, hi, v, t), at = lo;

                assert_true(n <= PT_MAX_COVER);
                for (int i = 0; i < n; i++) {
                    assert_int_equal(t[i].index << t[i].level, at);
                    at = (t[i].index + 1) << t[i].level;
                    assert_false(inside(t[i].level + 1, t[i].index / 2, lo, hi));
                }
                assert_int_equal(at, hi);
            }
        }
    }
}

static void test_the_largest_cover_fits_its_array(void **state)
{
    pt_subtree t[PT_MAX_COVER];

    assert_int_equal(pt_tree_cover(1, 1023, 1024, t), 18);
    assert_int_equal(pt_tree_cover(0, 1024, 1024, t), 1);
    assert_int_equal(t[0].level, PT_MAX_LEVELS - 1);
    assert_int_equal(pt_tree_cover(0, 1023, 1024, t), 10);
}

static void test_a_power_of_two_of_workers_owns_one_subtree_each(void **state)
{
    pt_subtree t[PT_MAX_COVER];

    for (int v = 1; v <= MAX_V; v *= 2) {
        for (int w = 1; w <= v; w *= 2) {
            for (int i = 0; i < w; i++) {
                int lo, hi;
                pt_worker_shards(i, w, v, &lo, &hi);
                assert_int_equal(pt_tree_cover(lo, hi, v, t), 1);
            }
        }
    }
}

/* ---- sums ------------------------------------------------------------------------- */

typedef struct {
    float x[WIDTH]; /* x[2] is -0 in every shard: an added zero would make it +0 */
    float chain;    /* a merge that does not commute, as that of moments */
} value;

static void add(void *context, void *into, const void *from)
{
    value *a = into;
    const value *b = from;

    (*(int *)context)++;
    for (int i = 0; i < WIDTH; i++) a->x[i] += b->x[i];
    a->chain = 0.5f * a->chain + b->chain;
}

static void fill(int v, int b, value leaf[MAX_V])
{
    pt_rng r = pt_rng_stream(1, PT_RNG_TEST, (uint64_t)v, (uint64_t)b);
    float u[2 * MAX_V];

    pt_rng_fill_normal(&r, u, 2 * MAX_V);
    for (int s = 0; s < v; s++)
        leaf[s] =
            (value){{u[2 * s], u[2 * s + 1] * (s % 2 ? 1e-3f : 1e3f), -0.0f}, u[2 * s]};
}

/* The definition, in full: what the header calls a node. Returns its images. */
static int plain(const pt_span *p, const value *leaf, int level, int index, value *out)
{
    value left, right;
    int l, r;

    if (level == 0) {
        *out = leaf[index];
        return pt_shard_size(p, index);
    }
    l = plain(p, leaf, level - 1, 2 * index, &left);
    r = plain(p, leaf, level - 1, 2 * index + 1, &right);
    *out = l ? left : right;
    if (l && r) {
        for (int i = 0; i < WIDTH; i++) out->x[i] = left.x[i] + right.x[i];
        out->chain = 0.5f * left.chain + right.chain;
    }
    return l + r;
}

/* Finishes the tree from parts whose values are plain sums; -1 if there is no image. */
static int finish(int v, int b, const value *leaf, const pt_subtree *parts, int n,
                  value *out)
{
    pt_span p = {.n_shards = v, .lo = 0, .hi = v, .b = b};
    value sums[MAX_V];
    void *at[MAX_V];
    int adds = 0;
    value *all;

    for (int i = 0; i < n; i++) {
        int images = plain(&p, leaf, parts[i].level, parts[i].index, &sums[i]);
        at[i] = images ? &sums[i] : NULL;
    }
    all = pt_tree_finish(v, parts, at, n, add, &adds);
    if (all) *out = *all;
    return all ? adds : -1;
}

static int levels_of(int v)
{
    int l = 0;

    while (1 << l < v) l++;
    return l;
}

static void test_sums_are_bit_equal_for_every_number_of_workers(void **state)
{
    for (int v = 1; v <= MAX_V; v *= 2) {
        for (int b = 0; b <= MAX_B; b++) {
            pt_span p = {.n_shards = v, .lo = 0, .hi = v, .b = b};
            value leaf[MAX_V], want, got = {{0}, 0};

            fill(v, b, leaf);
            plain(&p, leaf, levels_of(v), 0, &want);
            for (int w = 1; w <= v; w++) {
                pt_subtree parts[MAX_V];
                int n = 0;
                for (int i = 0; i < w; i++) {
                    pt_subtree t[PT_MAX_COVER];
                    int lo, hi, m;
                    pt_worker_shards(i, w, v, &lo, &hi);
                    m = pt_tree_cover(lo, hi, v, t);
                    memcpy(parts + n, t, (size_t)m * sizeof *t);
                    n += m;
                }
                if (finish(v, b, leaf, parts, n, &got) < 0) {
                    assert_int_equal(b, 0);
                } else {
                    assert_memory_equal(&got, &want, sizeof got);
                }
            }
        }
    }
}

/* Goes through every way of cutting the tree over 8 shards; returns how many. */
static int all_cuts(int level, int index, pt_subtree *parts, int n, int b,
                    const value *leaf, const value *want, const pt_subtree *todo,
                    int left)
{
    int count = 0;

    parts[n] = (pt_subtree){level, index};
    if (left == 0) {
        value got;
        if (finish(8, b, leaf, parts, n + 1, &got) >= 0)
            assert_memory_equal(&got, want, sizeof got);
        count = 1;
    } else {
        count = all_cuts(todo->level, todo->index, parts, n + 1, b, leaf, want, todo + 1,
                         left - 1);
    }
    if (level > 0) { /* or cut this node: its right half is then the next to do */
        pt_subtree next[MAX_V];
        next[0] = (pt_subtree){level - 1, 2 * index + 1};
        memcpy(next + 1, todo, (size_t)left * sizeof *todo);
        count += all_cuts(level - 1, 2 * index, parts, n, b, leaf, want, next, left + 1);
    }
    return count;
}

static void test_sums_are_bit_equal_for_every_cut_of_the_tree(void **state)
{
    for (int b = 0; b <= MAX_B; b++) {
        pt_span p = {.n_shards = 8, .lo = 0, .hi = 8, .b = b};
        pt_subtree parts[MAX_V];
        value leaf[MAX_V], want;

        fill(8, b, leaf);
        plain(&p, leaf, 3, 0, &want);
        /* c(0) = 1, c(l) = 1 + c(l-1)^2: 1, 2, 5, 26 */
        assert_int_equal(all_cuts(3, 0, parts, 0, b, leaf, &want, parts, 0), 26);
    }
}

static void test_a_batch_without_images_has_no_sum(void **state)
{
    const pt_subtree whole = {.level = 3, .index = 0};
    value leaf[MAX_V], got = {{0}, 0};

    fill(8, 0, leaf);
    assert_int_equal(finish(8, 0, leaf, &whole, 1, &got), -1);
}

static void test_empty_shards_are_not_added_and_minus_zero_survives(void **state)
{
    for (int b = 1; b <= MAX_B; b++) {
        pt_subtree parts[MAX_V];
        value leaf[MAX_V], got = {{0}, 0};

        fill(64, b, leaf);
        for (int s = 0; s < 64; s++) parts[s] = (pt_subtree){0, s};
        assert_int_equal(finish(64, b, leaf, parts, 64, &got), b - 1);
        assert_true(got.x[2] == 0 && __builtin_signbit(got.x[2]));
    }
}

/* The other tests compare bits; these sums show that bits do differ between orders. */
static void test_another_order_gives_other_bits(void **state)
{
    pt_span p = {.n_shards = 32, .lo = 0, .hi = 32, .b = 32};
    value leaf[MAX_V], tree, line, swapped;
    value t;

    fill(32, 32, leaf);
    plain(&p, leaf, 5, 0, &tree);
    line = leaf[0];
    for (int s = 1; s < 32; s++)
        for (int i = 0; i < WIDTH; i++) line.x[i] += leaf[s].x[i];
    assert_memory_not_equal(&tree, &line, sizeof tree);
    t = leaf[3];
    leaf[3] = leaf[20];
    leaf[20] = t;
    plain(&p, leaf, 5, 0, &swapped);
    assert_memory_not_equal(&tree, &swapped, sizeof tree);
}

/* ---- parts that do not tile -------------------------------------------------------- */

static jmp_buf broken;

static void note(const char *text)
{
    longjmp(broken, 1);
}

static int is_refused(const pt_subtree *parts, int n)
{
    value leaf[MAX_V];
    void *values[MAX_V];
    volatile int refused = 0;
    int adds = 0;

    fill(8, 8, leaf);
    for (int i = 0; i < n; i++) values[i] = &leaf[i];
    pt_check_set_handler(note);
    if (setjmp(broken)) {
        refused = 1;
    } else {
        pt_tree_finish(8, parts, values, n, add, &adds);
    }
    pt_check_set_handler(NULL);
    return refused;
}

static void test_parts_that_do_not_tile_are_refused(void **state)
{
    const pt_subtree missing[] = {{2, 0}}, twice[] = {{2, 0}, {2, 0}},
                     swapped[] = {{2, 1}, {2, 0}}, beyond[] = {{2, 0}, {2, 1}, {2, 2}},
                     large[] = {{4, 0}}, good[] = {{2, 0}, {2, 1}};

    assert_true(is_refused(missing, 1));
    assert_true(is_refused(twice, 2));
    assert_true(is_refused(swapped, 2));
    assert_true(is_refused(beyond, 3));
    assert_true(is_refused(large, 1));
    assert_true(is_refused(NULL, 0));
    assert_false(is_refused(good, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shards_tile_the_batch_and_differ_by_one_image),
        cmocka_unit_test(test_a_node_has_the_images_of_its_shards),
        cmocka_unit_test(test_large_batches_do_not_overflow),
        cmocka_unit_test(test_workers_tile_the_shards_and_differ_by_one),
        cmocka_unit_test(test_a_span_is_where_its_worker_stands_in_the_batch),
        cmocka_unit_test(test_the_cover_of_any_run_tiles_it_and_is_maximal),
        cmocka_unit_test(test_the_largest_cover_fits_its_array),
        cmocka_unit_test(test_a_power_of_two_of_workers_owns_one_subtree_each),
        cmocka_unit_test(test_sums_are_bit_equal_for_every_number_of_workers),
        cmocka_unit_test(test_sums_are_bit_equal_for_every_cut_of_the_tree),
        cmocka_unit_test(test_a_batch_without_images_has_no_sum),
        cmocka_unit_test(test_empty_shards_are_not_added_and_minus_zero_survives),
        cmocka_unit_test(test_another_order_gives_other_bits),
        cmocka_unit_test(test_parts_that_do_not_tile_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
