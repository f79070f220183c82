/* Gradients of a convolution's weights by the exact product: transposed windows times dy.
 * A shard's gradient is one chain over its pixels, image after image; shards meet in the
 * tree. How the weight matrix and the pixels are cut changes no bit. */
#include <string.h>

#include "worker/engine/conv_internal.h"
#include "worker/engine/gemm.h"
#include "worker/engine/im2col.h"
#include "worker/engine/tree_sum.h"

enum {
    KEPT_FLOATS = 1024 * 1024, /* of all shards' gradients, where each is an item */
    TILE_ROWS = 256,           /* of a part of dw [depth][c_out] ... */
    TILE_COLUMNS = 256,        /* ... 256 KB */
    MIN_ROWS = 32,
    PIXELS = 192, /* of a block: 192 KB each of windows and dy */
    ITEMS = 4     /* wanted of every thread */
};

typedef struct {
    pt_conv_shape s;
    bool plain;
    size_t depth, c_out;
    int n_rows, n_columns; /* of a tile */
    int by_row, by_column; /* tiles */
    const pt_span *span;
    int n_trees;
    pt_subtree trees[PT_MAX_COVER];
    const float *x, *dy;
    float *const *dw;
    float *kept;    /* [shards of the span][depth * c_out] */
    float *scratch; /* [threads][scratch_floats] */
    size_t window_floats, packed_floats, scratch_floats;
} pass;

/* A part of dw: the context of a leaf. */
typedef struct {
    const pass *p;
    size_t row, rows, column, columns;
    float *windows, *packed;
    size_t ldc; /* of the leaf's output */
} tile;

static size_t pixels_of(const pt_conv_shape *s)
{
    return (size_t)s->out_h * (size_t)s->out_w;
}

/* Output rows whose windows are made at a time. */
static int block_rows(const pt_conv_shape *s)
{
    int rows = PIXELS / s->out_w;

    return rows < 1 ? 1 : rows > s->out_h ? s->out_h : rows;
}

/* ---- one shard -----------------------------------------------------------------------
 */

/* out (+)= a^T dy, `pixels` rows of each. */
static void add_pixels(const tile *t, size_t pixels, const float *a, size_t lda,
                       const float *dy, bool accumulate, float *out)
{
    size_t c_out = t->p->c_out, panels = (t->columns + PT_PANEL - 1) / PT_PANEL;
    pt_product g = {.ta = PT_T,
                    .m = t->rows,
                    .n = t->columns,
                    .k = pixels,
                    .a = a,
                    .lda = lda,
                    .b = t->packed,
                    .panel_step = pixels * PT_PANEL,
                    .accumulate = accumulate,
                    .c = out,
                    .ldc = t->ldc};

    pt_gemm_pack(PT_N, pixels, t->columns, dy + t->column, c_out, 0, panels, g.panel_step,
                 t->packed);
    pt_gemm(&g);
}

/* The pixels of all images of a shard are rows of one matrix. */
static void plain_leaf(const tile *t, size_t begin, size_t end, float *out)
{
    const pass *p = t->p;
    size_t pixels = pixels_of(&p->s), c_in = (size_t)p->s.c_in;

    for (size_t i = begin * pixels; i < end * pixels; i += PIXELS)
        add_pixels(t, pt_min_size(PIXELS, end * pixels - i), p->x + i * c_in + t->row,
                   c_in, p->dy + i * p->c_out, i > begin * pixels, out);
}

/* Windows of the kernel positions that the tile's rows touch; its rows are columns of
 * those from *skip on. */
static pt_taps taps_of(const tile *t, size_t *skip)
{
    size_t c = (size_t)t->p->s.c_in, first = t->row / c;
    size_t last = (t->row + t->rows - 1) / c;

    *skip = t->row - first * c;
    if (first == last) { /* channels of one position */
        *skip = 0;
        return (pt_taps){(int)first, 1, (int)(t->row - first * c), (int)t->rows};
    }
    return (pt_taps){(int)first, (int)(last - first + 1), 0, (int)c};
}

static void windows_leaf(const tile *t, size_t begin, size_t end, float *out)
{
    const pass *p = t->p;
    const pt_conv_shape *s = &p->s;
    size_t image_floats = (size_t)s->h * (size_t)s->w * (size_t)s->c_in, skip;
    pt_taps taps = taps_of(t, &skip);
    size_t ld = (size_t)taps.n_taps * (size_t)taps.n_c;
    int step = block_rows(s);

    for (size_t image = begin; image < end; image++) {
        for (int row = 0; row < s->out_h; row += step) {
            int n = s->out_h - row < step ? s->out_h - row : step;
            size_t at = image * pixels_of(s) + (size_t)row * (size_t)s->out_w;

            pt_im2col(s, &taps, row, n, p->x + image * image_floats, t->windows, ld);
            add_pixels(t, (size_t)n * (size_t)s->out_w, t->windows + skip, ld,
                       p->dy + at * p->c_out, image > begin || row > 0, out);
        }
    }
}

static void leaf(void *context, int shard, float *out)
{
    const tile *t = context;
    size_t begin, end;

    pt_shard_images(t->p->span, shard, &begin, &end);
    if (t->p->plain)
        plain_leaf(t, begin, end, out);
    else
        windows_leaf(t, begin, end, out);
}

/* ---- tiles and shards ----------------------------------------------------------------
 */

static tile tile_of(const pass *p, int index, int thread)
{
    float *scratch = p->scratch + (size_t)thread * p->scratch_floats;
    tile t = {.p = p, .windows = scratch, .packed = scratch + p->window_floats};

    t.row = (size_t)(index / p->by_column) * (size_t)p->n_rows;
    t.column = (size_t)(index % p->by_column) * (size_t)p->n_columns;
    t.rows = pt_min_size((size_t)p->n_rows, p->depth - t.row);
    t.columns = pt_min_size((size_t)p->n_columns, p->c_out - t.column);
    return t;
}

/* An item is a tile: its leaves and its trees, dense in scratch, then rows of dw. */
static void tile_item(void *context, int item, int thread)
{
    const pass *p = context;
    tile t = tile_of(p, item, thread);
    size_t n = t.rows * t.columns;
    float *sum = t.packed + p->packed_floats;

    t.ldc = t.columns;
    for (int i = 0; i < p->n_trees; i++) {
        if (pt_node_size(p->span, p->trees[i].level, p->trees[i].index) == 0) continue;
        pt_tree_sum(p->span, p->trees[i], n, leaf, &t, sum, sum + n);
        for (size_t r = 0; r < t.rows; r++)
            memcpy(p->dw[i] + (t.row + r) * p->c_out + t.column, sum + r * t.columns,
                   t.columns * sizeof *sum);
    }
}

static float *kept_of(const pass *p, int shard)
{
    return p->kept + (size_t)(shard - p->span->lo) * p->depth * p->c_out;
}

/* An item is a tile of one shard. */
static void kept_item(void *context, int item, int thread)
{
    const pass *p = context;
    int n_tiles = p->by_row * p->by_column, shard = p->span->lo + item / n_tiles;

    if (pt_shard_size(p->span, shard) == 0) return;
    tile t = tile_of(p, item % n_tiles, thread);
    t.ldc = p->c_out;
    leaf(&t, shard, kept_of(p, shard) + t.row * p->c_out + t.column);
}

static void kept_leaf(void *context, int shard, float *out)
{
    const pass *p = context;

    memcpy(out, kept_of(p, shard), p->depth * p->c_out * sizeof *out);
}

/* Trees over kept values. */
static void sum_kept(pass *p)
{
    for (int i = 0; i < p->n_trees; i++) {
        if (pt_node_size(p->span, p->trees[i].level, p->trees[i].index) == 0) continue;
        pt_tree_sum(p->span, p->trees[i], p->depth * p->c_out, kept_leaf, p, p->dw[i],
                    p->scratch);
    }
}

static bool keeps(const pass *p, int n_shards)
{
    return p->depth * p->c_out <= KEPT_FLOATS / (size_t)n_shards;
}

static int parts(size_t n, int part)
{
    return (int)((n + (size_t)part - 1) / (size_t)part);
}

static void plan(pass *p, int n_shards, int n_threads)
{
    const pt_conv_shape *s = &p->s;
    int wanted = ITEMS * n_threads, shards = keeps(p, n_shards) ? n_shards : 1;
    size_t pixels = pt_min_size(PIXELS, pixels_of(s)), c = (size_t)s->c_in;

    p->n_rows = (int)pt_min_size(TILE_ROWS, p->depth);
    p->n_columns = (int)pt_min_size(TILE_COLUMNS, p->c_out);
    p->by_column = parts(p->c_out, p->n_columns);
    while (n_threads > 1 && p->n_rows > MIN_ROWS &&
           parts(p->depth, p->n_rows) * p->by_column * shards < wanted)
        p->n_rows = (p->n_rows + 1) / 2;
    p->by_row = parts(p->depth, p->n_rows);
    if (!p->plain) { /* a tile that crosses positions takes all channels of each */
        size_t taps = pt_min_size((size_t)(s->kh * s->kw), (size_t)p->n_rows / c + 2);

        pixels = (size_t)block_rows(s) * (size_t)s->out_w;
        p->window_floats = pt_round_up(pixels * pt_max_size(taps * c, (size_t)p->n_rows));
    } else {
        pixels = PIXELS;
    }
    p->packed_floats = pt_gemm_packed_floats(pixels, (size_t)p->n_columns);
    p->scratch_floats = p->window_floats + p->packed_floats;
}

static pass pass_of(const pt_conv_shape *s)
{
    return (pass){.s = *s,
                  .plain = pt_conv_is_plain(s),
                  .depth = pt_conv_depth(s),
                  .c_out = (size_t)s->c_out};
}

void pt_exact_weights(pt_pool *pool, const pt_conv_shape *s, const pt_span *span,
                      const float *x, const float *dy, float *const *dw, float *scratch)
{
    pass p = pass_of(s);
    int n_tiles;

    plan(&p, span->n_shards, pt_pool_threads(pool));
    n_tiles = p.by_row * p.by_column;
    p.span = span;
    p.x = x;
    p.dy = dy;
    p.dw = dw;
    p.n_trees = pt_tree_cover(span->lo, span->hi, span->n_shards, p.trees);
    if (keeps(&p, span->n_shards)) {
        p.kept = scratch;
        p.scratch = scratch + pt_round_up((size_t)span->n_shards * p.depth * p.c_out);
        pt_pool_run(pool, (span->hi - span->lo) * n_tiles, kept_item, &p);
        sum_kept(&p);
    } else {
        p.scratch = scratch;
        p.scratch_floats += pt_round_up((size_t)p.n_rows * (size_t)p.n_columns *
                                        (size_t)(1 + pt_tree_levels(span->n_shards)));
        pt_pool_run(pool, n_tiles, tile_item, &p);
    }
}

size_t pt_exact_weights_scratch(const pt_conv_shape *s, int n_shards, int n_threads)
{
    pass p = pass_of(s);
    size_t threads = (size_t)n_threads, levels = (size_t)pt_tree_levels(n_shards);

    plan(&p, n_shards, n_threads);
    if (keeps(&p, n_shards))
        return pt_round_up((size_t)n_shards * p.depth * p.c_out) +
               pt_max_size(threads * p.scratch_floats,
                           pt_round_up(levels * p.depth * p.c_out));
    return threads * (p.scratch_floats +
                      pt_round_up((size_t)p.n_rows * (size_t)p.n_columns * (1 + levels)));
}
