/* Gradients of a convolution's weights by CBLAS. */
#include <string.h>

#include "worker/engine/conv/conv_blas_plan.h"
#include "worker/engine/conv/internal.h"
#include "worker/engine/gemm/gemm_blas.h"
#include "worker/engine/layers/tree_sum.h"

/* Where all shards' gradients fit into this many floats each shard is an item of its own
 * and the tree is finished from memory: small layers have too few tiles to share. The
 * bits are the same both ways. */
enum { KEPT_FLOATS = 512 * 1024 };

typedef struct {
    pt_conv_shape s;
    pt_conv_tiles tiles;
    pt_conv_blocks blocks;
    const pt_span *span;
    int n_trees;
    pt_subtree trees[PT_MAX_COVER];
    const float *x, *dy;
    float *const *dw;
    float *kept;    /* [shards of the span][count], one value per shard */
    size_t count;   /* of dw */
    float *scratch; /* [threads][scratch_floats] */
    size_t scratch_floats;
} pass;

/* The context of a leaf. */
typedef struct {
    const pass *p;
    pt_taps taps;
    size_t begin; /* first float of the tile in dw */
    size_t n;     /* floats of the tile */
    float *col;
} tile;

static size_t pixels_of(const pt_conv_shape *s)
{
    return (size_t)s->out_h * (size_t)s->out_w;
}

/* out [tile rows][c_out] (+)= windows^T dy of one image. */
static void add_image(const tile *t, size_t image, bool accumulate, float *out)
{
    const pass *p = t->p;
    const pt_conv_shape *s = &p->s;
    size_t rows = pt_conv_tile_rows(&t->taps), c_in = (size_t)s->c_in;
    size_t c_out = (size_t)s->c_out, w = (size_t)s->out_w;
    const float *x = p->x + image * (size_t)s->h * (size_t)s->w * c_in;
    const float *dy = p->dy + image * pixels_of(s) * c_out;
    bool plain = pt_conv_is_plain(s);

    for (int row = 0; row < s->out_h; row += p->blocks.rows) {
        int n = row + p->blocks.rows > s->out_h ? s->out_h - row : p->blocks.rows;
        const float *col = x + (size_t)row * w * c_in + t->taps.c0;

        if (!plain) {
            pt_im2col(s, &t->taps, row, n, x, t->col, rows);
            col = t->col;
        }
        pt_blas_gemm(PT_T, PT_N, rows, c_out, (size_t)n * w, col, plain ? c_in : rows,
                     dy + (size_t)row * w * c_out, c_out, accumulate || row > 0, out,
                     c_out);
    }
}

static void leaf(void *context, int shard, float *out)
{
    const tile *t = context;
    size_t begin, end;

    pt_shard_images(t->p->span, shard, &begin, &end);
    for (size_t i = begin; i < end; i++) add_image(t, i, i > begin, out);
}

static tile tile_of(const pass *p, int index, int thread)
{
    tile t = {.p = p, .taps = pt_conv_tile(&p->s, &p->tiles, index)};

    t.begin = pt_conv_tile_begin(&p->s, &t.taps) * (size_t)p->s.c_out;
    t.n = pt_conv_tile_rows(&t.taps) * (size_t)p->s.c_out;
    t.col = p->scratch + (size_t)thread * p->scratch_floats;
    return t;
}

static size_t col_floats(const pt_conv_shape *s, const pt_conv_tiles *tiles)
{
    if (pt_conv_is_plain(s)) return 0;
    return pt_round_up((size_t)pt_conv_weight_blocks_of(s, tiles).rows *
                       (size_t)s->out_w * (size_t)tiles->taps * (size_t)tiles->channels);
}

static size_t tree_floats(size_t n, int n_shards)
{
    return pt_round_up(n * (size_t)pt_tree_levels(n_shards));
}

/* An item is a tile: its leaves and its tree. */
static void tile_item(void *context, int item, int thread)
{
    const pass *p = context;
    tile t = tile_of(p, item, thread);
    float *tmp = t.col + col_floats(&p->s, &p->tiles);

    for (int i = 0; i < p->n_trees; i++) {
        if (pt_node_size(p->span, p->trees[i].level, p->trees[i].index) == 0) continue;
        pt_tree_sum(p->span, p->trees[i], t.n, leaf, &t, p->dw[i] + t.begin, tmp);
    }
}

static float *kept_of(const pass *p, int shard)
{
    return p->kept + (size_t)(shard - p->span->lo) * p->count;
}

/* An item is a tile of one shard. */
static void kept_item(void *context, int item, int thread)
{
    const pass *p = context;
    int n_tiles = p->tiles.n_by_taps * p->tiles.n_by_channels;
    int shard = p->span->lo + item / n_tiles;

    if (pt_shard_size(p->span, shard) == 0) return;
    tile t = tile_of(p, item % n_tiles, thread);
    leaf(&t, shard, kept_of(p, shard) + t.begin);
}

static void kept_leaf(void *context, int shard, float *out)
{
    const pass *p = context;

    memcpy(out, kept_of(p, shard), p->count * sizeof *out);
}

/* Trees over kept values; the first thread's scratch is free by then. */
static void sum_kept(pass *p, float *const *out)
{
    for (int i = 0; i < p->n_trees; i++) {
        if (pt_node_size(p->span, p->trees[i].level, p->trees[i].index) == 0) continue;
        pt_tree_sum(p->span, p->trees[i], p->count, kept_leaf, p, out[i], p->scratch);
    }
}

static bool keeps(const pt_conv_shape *s, int n_shards)
{
    size_t count = pt_conv_depth(s) * (size_t)s->c_out;

    return count <= KEPT_FLOATS / (size_t)n_shards;
}

void pt_blas_weights(pt_threads *pool, const pt_conv_shape *s, const pt_span *span,
                     const float *x, const float *dy, float *const *dw, float *scratch)
{
    pass p = {.s = *s,
              .tiles = pt_conv_tiles_of(s),
              .span = span,
              .x = x,
              .dy = dy,
              .dw = dw,
              .count = pt_conv_depth(s) * (size_t)s->c_out,
              .scratch = scratch};
    int n_tiles = p.tiles.n_by_taps * p.tiles.n_by_channels;

    p.blocks = pt_conv_weight_blocks_of(s, &p.tiles);
    p.n_trees = pt_tree_cover(span->lo, span->hi, span->n_shards, p.trees);
    p.scratch_floats = col_floats(s, &p.tiles);
    if (keeps(s, span->n_shards)) {
        p.kept = scratch;
        p.scratch = scratch + pt_round_up((size_t)span->n_shards * p.count);
        pt_threads_run(pool, (span->hi - span->lo) * n_tiles, kept_item, &p);
        sum_kept(&p, dw);
    } else {
        p.scratch_floats += tree_floats(p.tiles.max_floats, span->n_shards);
        pt_threads_run(pool, n_tiles, tile_item, &p);
    }
}

size_t pt_blas_weights_scratch(const pt_conv_shape *s, int n_shards)
{
    pt_conv_tiles tiles = pt_conv_tiles_of(s);
    size_t shards = (size_t)n_shards, count = pt_conv_depth(s) * (size_t)s->c_out;
    size_t col = col_floats(s, &tiles);

    if (keeps(s, n_shards))
        return pt_round_up(shards * count) +
               pt_max_size(col, tree_floats(count, n_shards));
    return col + tree_floats(tiles.max_floats, n_shards);
}
