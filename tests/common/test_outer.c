/* Any part of a fully connected layer's weight gradient, formed from the factors of one
 * worker or of all, has the bits of plain loops over the tree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <math.h>

#include "common/base/bf16.h"
#include "common/base/rng.h"
#include "common/run/outer.h"

enum { N_IN = 37, N_OUT = 21, V = 8, MAX_B = 19, GUARD = 5 };

static float x[MAX_B][N_IN], dy[MAX_B][N_OUT];

static float *numbers(size_t n)
{
    float *p = calloc(n, sizeof *p);

    assert_non_null(p);
    return p;
}

static void fill_factors(void)
{
    uint32_t words[MAX_B * (N_IN + N_OUT)];
    pt_rng rng = pt_rng_stream(1, PT_RNG_DROPOUT, 5, 0);

    pt_rng_fill_u32(&rng, 0, words, sizeof words / sizeof *words);
    for (int i = 0, k = 0; i < MAX_B; i++) {
        for (int j = 0; j < N_IN; j++) x[i][j] = (float)(int32_t)words[k++] * 0x1p-31f;
        for (int j = 0; j < N_OUT; j++) dy[i][j] = (float)(int32_t)words[k++] * 0x1p-29f;
    }
}

/* One element of the sum over node (level, index) of the tree over the whole batch. */
static float plain(const pt_span *all, int level, int index, int row, int column)
{
    float s = 0, right;
    int half = level - 1;

    if (level == 0) {
        for (int i = pt_shard_begin(index, V, all->b);
             i < pt_shard_begin(index + 1, V, all->b); i++)
            s = fmaf(x[i][row], dy[i][column], s);
    } else if (pt_node_size(all, half, 2 * index) == 0) {
        return plain(all, half, 2 * index + 1, row, column);
    } else {
        s = plain(all, half, 2 * index, row, column);
        if (pt_node_size(all, half, 2 * index + 1) == 0) return s;
        right = plain(all, half, 2 * index + 1, row, column);
        s = s + right;
    }
    if (all->bf16) pt_bf16_round(&s, 1);
    return s;
}

/* The factors of a worker's shards as one array [images][N_OUT + N_IN], the way they
 * travel; what pt_outer needs of them. */
static float *make_factors(const pt_span *span, pt_outer *o, float *packed)
{
    size_t n = (size_t)pt_span_images(span), first = (size_t)pt_span_first(span);
    size_t ld = N_OUT + N_IN;
    float *f = numbers(n * ld + 1);

    for (size_t i = 0; i < n; i++) {
        memcpy(f + i * ld, dy[first + i], sizeof dy[0]);
        memcpy(f + i * ld + N_OUT, x[first + i], sizeof x[0]);
    }
    pt_outer_pack(N_OUT, n, f, ld, packed);
    *o = (pt_outer){
        .span = *span, .x = f + N_OUT, .ldx = ld, .dy = packed, .n_out = N_OUT};
    return f;
}

/* Floats [begin, end) of one sub-tree. */
static void check_range(const pt_outer *o, pt_subtree t, size_t begin, size_t end)
{
    pt_span all = {.n_shards = V, .hi = V, .b = o->span.b, .bf16 = o->span.bf16};
    float *out = numbers(end - begin + GUARD), *edge = numbers(N_OUT);
    pt_outer_tree tree;

    pt_outer_plan(&o->span, t, &tree);
    if (tree.n_leaves > 0) pt_outer_form_range(o, &tree, begin, end, out, edge);
    for (size_t i = begin; i < end && tree.n_leaves > 0; i++) {
        float want = plain(&all, t.level, t.index, (int)(i / N_OUT), (int)(i % N_OUT));

        assert_memory_equal(&out[i - begin], &want, sizeof want);
    }
    for (size_t i = end - begin; i < end - begin + GUARD; i++) assert_true(out[i] == 0);
    free(out);
    free(edge);
}

/* All sub-trees of a worker's cover. */
static void check_worker(int lo, int hi, int b, bool bf16, size_t begin, size_t end)
{
    pt_span span = {.n_shards = V, .lo = lo, .hi = hi, .b = b, .bf16 = bf16};
    float *packed = numbers(pt_outer_packed(N_OUT, MAX_B));
    pt_subtree cover[PT_MAX_COVER];
    int n = pt_tree_cover(lo, hi, V, cover);
    pt_outer o;
    float *f = make_factors(&span, &o, packed);

    for (int t = 0; t < n; t++) check_range(&o, cover[t], begin, end);
    free(f);
    free(packed);
}

static void test_every_worker_and_all_together_give_the_tree_of_plain_chains(void **state)
{
    const int sizes[] = {1, 3, 8, 11, MAX_B};

    fill_factors();
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        for (int n = 1; n <= V; n++) {
            for (int w = 0; w < n; w++) {
                int lo, hi;

                pt_worker_shards(w, n, V, &lo, &hi);
                check_worker(lo, hi, sizes[k], w % 2, 0, N_IN * N_OUT);
            }
        }
    }
}

static void test_a_key_may_begin_and_end_inside_a_row(void **state)
{
    const size_t cuts[] = {0,           1, N_OUT - 1, N_OUT, N_OUT + 3, 7 * N_OUT + 2,
                           N_IN * N_OUT};
    enum { N = sizeof cuts / sizeof *cuts };

    fill_factors();
    for (int i = 0; i < N; i++)
        for (int j = i + 1; j < N; j++)
            check_worker(0, V, 11, (i + j) % 2, cuts[i], cuts[j]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_every_worker_and_all_together_give_the_tree_of_plain_chains),
        cmocka_unit_test(test_a_key_may_begin_and_end_inside_a_row),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
