/* Gradients of a convolution's weights and bias. */
#include <string.h>

#include "worker/engine/conv.h"
#include "worker/engine/conv_plan.h"
#include "worker/engine/gemm_blas.h"
#include "worker/engine/simd.h"
#include "worker/engine/tree_sum.h"

/* Where all shards' gradients fit into this many floats each shard is an item of its own
 * and the tree is finished from memory: small layers have too few tiles to share. The
 * bits are the same both ways. */
enum { KEPT_FLOATS = 512 * 1024, LINE = 16, BIAS_CHANNELS = 64 };

typedef struct {
    pt_conv_shape s;
    pt_conv_tiles tiles;
    pt_conv_blocks blocks;
    const pt_span *span;
    int n_trees;
    pt_subtree trees[PT_MAX_COVER];
    const float *x, *dy;
    float *const *dw, *const *db;
    float *kept;    /* [shards of the span][count], one value per shard */
    size_t count;   /* of dw, or of db */
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

static size_t round_up(size_t n)
{
    return (n + LINE - 1) / LINE * LINE;
}

static size_t max_size(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t pixels_of(const pt_conv_shape *s)
{
    return (size_t)s->out_h * (size_t)s->out_w;
}

/* Images of the span's buffers that belong to shard `shard`: [*begin, *end). */
static void shard_images(const pt_span *span, int shard, size_t *begin, size_t *end)
{
    int first = pt_span_first(span);

    *begin = (size_t)(pt_shard_begin(shard, span->n_shards, span->b) - first);
    *end = (size_t)(pt_shard_begin(shard + 1, span->n_shards, span->b) - first);
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
            pt_im2col(s, &t->taps, row, n, x, t->col);
            col = t->col;
        }
        pt_blas_gemm(PT_T, PT_N, rows, c_out, (size_t)n * w, col, plain ? c_in : rows,
                dy + (size_t)row * w * c_out, c_out, accumulate || row > 0, out, c_out);
    }
}

static void leaf(void *context, int shard, float *out)
{
    const tile *t = context;
    size_t begin, end;

    shard_images(t->p->span, shard, &begin, &end);
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
    return round_up((size_t)pt_conv_weight_blocks_of(s, tiles).rows * (size_t)s->out_w *
                    (size_t)tiles->taps * (size_t)tiles->channels);
}

static size_t tree_floats(size_t n, int n_shards)
{
    return round_up(n * (size_t)pt_tree_levels(n_shards));
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

/* out [n] = sums over rows of dy [rows][ld], in double. */
PT_CLONES static void sum_rows(const float *dy, size_t rows, size_t ld, size_t n,
                               float *out)
{
    double sum[BIAS_CHANNELS] = {0};

    for (size_t r = 0; r < rows; r++, dy += ld) {
        for (size_t c = 0; c < n; c++) sum[c] += (double)dy[c];
    }
    for (size_t c = 0; c < n; c++) out[c] = (float)sum[c];
}

/* An item is a group of channels of one shard. */
static void bias_item(void *context, int item, int thread)
{
    const pass *p = context;
    size_t c_out = (size_t)p->s.c_out, begin, end;
    int n_groups = (int)((c_out + BIAS_CHANNELS - 1) / BIAS_CHANNELS);
    int shard = p->span->lo + item / n_groups;
    size_t c = (size_t)(item % n_groups) * BIAS_CHANNELS;
    size_t n = c_out - c < BIAS_CHANNELS ? c_out - c : BIAS_CHANNELS;

    (void)thread;
    shard_images(p->span, shard, &begin, &end);
    if (begin == end) return;
    sum_rows(p->dy + begin * pixels_of(&p->s) * c_out + c,
             (end - begin) * pixels_of(&p->s), c_out, n, kept_of(p, shard) + c);
}

static void bias_gradient(pt_pool *pool, pass *p, float *scratch)
{
    int n_groups = (p->s.c_out + BIAS_CHANNELS - 1) / BIAS_CHANNELS;

    p->count = (size_t)p->s.c_out;
    p->kept = scratch;
    p->scratch = scratch + round_up((size_t)p->span->n_shards * p->count);
    pt_pool_run(pool, (p->span->hi - p->span->lo) * n_groups, bias_item, p);
    sum_kept(p, p->db);
}

static bool keeps(const pt_conv_shape *s, int n_shards)
{
    size_t count = pt_conv_depth(s) * (size_t)s->c_out;

    return count <= KEPT_FLOATS / (size_t)n_shards;
}

void pt_conv_backward_weights(pt_pool *pool, const pt_conv_shape *s, const pt_span *span,
                              const float *x, const float *dy, float *const *dw,
                              float *const *db, float *scratch)
{
    pass p = {.s = *s,
              .tiles = pt_conv_tiles_of(s),
              .span = span,
              .x = x,
              .dy = dy,
              .dw = dw,
              .db = db,
              .count = pt_conv_depth(s) * (size_t)s->c_out,
              .scratch = scratch};
    int n_tiles = p.tiles.n_by_taps * p.tiles.n_by_channels;

    p.blocks = pt_conv_weight_blocks_of(s, &p.tiles);
    p.n_trees = pt_tree_cover(span->lo, span->hi, span->n_shards, p.trees);
    p.scratch_floats = col_floats(s, &p.tiles);
    if (keeps(s, span->n_shards)) {
        p.kept = scratch;
        p.scratch = scratch + round_up((size_t)span->n_shards * p.count);
        pt_pool_run(pool, (span->hi - span->lo) * n_tiles, kept_item, &p);
        sum_kept(&p, dw);
    } else {
        p.scratch_floats += tree_floats(p.tiles.max_floats, span->n_shards);
        pt_pool_run(pool, n_tiles, tile_item, &p);
    }
    if (db) bias_gradient(pool, &p, scratch);
}

size_t pt_conv_weights_scratch(const pt_conv_shape *s, int n_shards)
{
    pt_conv_tiles tiles = pt_conv_tiles_of(s);
    size_t shards = (size_t)n_shards, count = pt_conv_depth(s) * (size_t)s->c_out;
    size_t col = col_floats(s, &tiles), c_out = (size_t)s->c_out;
    size_t bias = round_up(shards * c_out) + tree_floats(c_out, n_shards);

    if (keeps(s, n_shards)) {
        size_t kept = round_up(shards * count);

        return max_size(bias, kept + max_size(col, tree_floats(count, n_shards)));
    }
    return max_size(bias, col + tree_floats(tiles.max_floats, n_shards));
}
