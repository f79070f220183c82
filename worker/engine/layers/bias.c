#include "worker/engine/layers/bias.h"

#include <string.h>

#include "common/base/simd.h"
#include "common/base/sizes.h"
#include "worker/engine/layers/tree_sum.h"

enum { CHANNELS = 64 }; /* of an item */

typedef struct {
    const pt_span *span;
    size_t pixels, c_out;
    pt_values dy;
    float *kept; /* [shards of the span][c_out] */
} pass;

/* sum [n] += one row. */
PT_INLINE void add_row(pt_values dy, size_t n, double *sum)
{
    float room[CHANNELS];
    const float *row = pt_values_read(dy, n, room);

    for (size_t c = 0; c < n; c++) sum[c] += (double)row[c];
}

/* out [n] = sums over rows of dy [rows][ld], in double. */
PT_CLONES static void sum_rows(pt_values dy, size_t rows, size_t ld, size_t n, float *out)
{
    double sum[CHANNELS] = {0};

    for (size_t r = 0; r < rows; r++)
        if (n == CHANNELS) /* a constant, for the compiler */
            add_row(pt_values_from(dy, r * ld), CHANNELS, sum);
        else
            add_row(pt_values_from(dy, r * ld), n, sum);
    for (size_t c = 0; c < n; c++) out[c] = (float)sum[c];
}

static float *kept_of(const pass *p, int shard)
{
    return p->kept + (size_t)(shard - p->span->lo) * p->c_out;
}

/* An item is a group of channels of one shard. */
static void bias_item(void *context, int item, int thread)
{
    const pass *p = context;
    int n_groups = (int)((p->c_out + CHANNELS - 1) / CHANNELS);
    int shard = p->span->lo + item / n_groups;
    size_t c = (size_t)(item % n_groups) * CHANNELS, begin, end;

    pt_shard_images(p->span, shard, &begin, &end);
    if (begin == end) return;
    sum_rows(pt_values_from(p->dy, begin * p->pixels * p->c_out + c),
             (end - begin) * p->pixels, p->c_out, pt_min_size(p->c_out - c, CHANNELS),
             kept_of(p, shard) + c);
}

static void kept_leaf(void *context, int shard, float *out)
{
    const pass *p = context;

    memcpy(out, kept_of(p, shard), p->c_out * sizeof *out);
}

void pt_bias_gradient(pt_threads *pool, const pt_span *span, size_t pixels, int c_out,
                      pt_values dy, float *const *db, float *scratch)
{
    pass p = {span, pixels, (size_t)c_out, dy, scratch};
    float *tmp = scratch + pt_whole_lines((size_t)span->n_shards * p.c_out);
    int n_groups = (c_out + CHANNELS - 1) / CHANNELS;
    pt_subtree trees[PT_MAX_COVER];
    int n_trees = pt_tree_cover(span->lo, span->hi, span->n_shards, trees);

    pt_threads_run(pool, (span->hi - span->lo) * n_groups, bias_item, &p);
    for (int i = 0; i < n_trees; i++) {
        if (pt_node_size(span, trees[i].level, trees[i].index) == 0) continue;
        pt_tree_sum(span, trees[i], p.c_out, kept_leaf, &p, db[i], tmp);
    }
}

size_t pt_bias_scratch(int c_out, int n_shards)
{
    return pt_whole_lines((size_t)n_shards * (size_t)c_out) +
           pt_whole_lines((size_t)c_out * (size_t)pt_tree_levels(n_shards));
}
