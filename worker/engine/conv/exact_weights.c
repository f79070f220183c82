/* Gradients of a convolution's weights by the exact product: transposed windows times dy.
 * A shard's gradient is the sum of one chain for each block of PIXELS, in order (one
 * chain over 100,000 pixels would lose two digits); shards meet in the tree. How the
 * weight matrix is cut changes no bit. */
#include <string.h>

#include "common/base/sizes.h"
#include "common/gemm/gemm.h"
#include "common/gemm/pack_bf16.h"
#include "worker/engine/conv/exact.h"
#include "worker/engine/conv/im2col.h"
#include "worker/engine/conv/leaves.h"

enum {
    TILE_ROWS = 256,    /* of a part of dw [depth][c_out] ... */
    TILE_COLUMNS = 256, /* ... 256 KB */
    MIN_ROWS = 32,
    PIXELS = 192 /* of a chain; a block's windows and dy: 192 KB each */
};

typedef struct {
    pt_conv_shape s;
    bool plain;
    size_t depth, c_out;
    size_t n_rows, n_columns; /* of a tile */
    int by_column;            /* tiles side by side */
    size_t window_floats;
    pt_values x, dy;
} layer;

/* A part of dw. */
typedef struct {
    const layer *l;
    size_t row, rows, column, columns;
    float *windows, *packed;
} tile;

static tile tile_of(const layer *l, int index, float *scratch)
{
    tile t = {.l = l, .windows = scratch, .packed = scratch + l->window_floats};

    t.row = (size_t)(index / l->by_column) * l->n_rows;
    t.column = (size_t)(index % l->by_column) * l->n_columns;
    t.rows = pt_min_size(l->n_rows, l->depth - t.row);
    t.columns = pt_min_size(l->n_columns, l->c_out - t.column);
    return t;
}

/* k rows of dy, the tile's columns, as the product's panels. */
static void pack(const tile *t, pt_values dy, size_t k, size_t panel_step)
{
    size_t ld = t->l->c_out, n = t->columns, panels = pt_gemm_panels(n);

    if (dy.bf16)
        pt_gemm_pack_stored(k, n, dy.at, ld, 0, panels, panel_step, t->packed);
    else if (pt_kernel_bf16(t->l->s.kernel))
        pt_gemm_pack_bf16(PT_N, k, n, dy.at, ld, 0, panels, panel_step, t->packed);
    else
        pt_gemm_pack(PT_N, k, n, dy.at, ld, 0, panels, panel_step, t->packed);
}

/* out = (add ? out : 0) + a^T dy, `pixels` rows of each; images wider than a chain take
 * several. */
static void add_pixels(const tile *t, size_t pixels, pt_values a, size_t lda,
                       pt_values dy, bool add, float *out)
{
    bool bf16 = pt_kernel_bf16(t->l->s.kernel);

    for (size_t i = 0; i < pixels; i += PT_GEMM_DEPTH) {
        size_t k = pt_min_size(PT_GEMM_DEPTH, pixels - i);
        pt_values rows = pt_values_from(a, i * lda);
        pt_product g = {.ta = PT_T,
                        .m = t->rows,
                        .n = t->columns,
                        .k = k,
                        .a = rows.bf16 ? NULL : rows.at,
                        .stored = rows.bf16 ? rows.at : NULL,
                        .lda = lda,
                        .b = t->packed,
                        .panel_step = (bf16 ? pt_gemm_pairs(k) : k) * PT_PANEL,
                        .add = add || i > 0,
                        .bf16 = bf16,
                        .c = out,
                        .ldc = t->columns};

        pack(t, pt_values_from(dy, i * t->l->c_out + t->column), k, g.panel_step);
        pt_gemm(&g);
    }
}

/* The pixels of all images of a shard are rows of one matrix. */
static void plain_leaf(const tile *t, size_t begin, size_t end, float *out)
{
    const layer *l = t->l;
    size_t pixels = pt_conv_pixels(&l->s), c_in = (size_t)l->s.c_in;

    for (size_t i = begin * pixels; i < end * pixels; i += PIXELS)
        add_pixels(t, pt_min_size(PIXELS, end * pixels - i),
                   pt_values_from(l->x, i * c_in + t->row), c_in,
                   pt_values_from(l->dy, i * l->c_out), i > begin * pixels, out);
}

/* Windows of the kernel positions that the tile's rows touch; its rows are columns of
 * those from *skip on. */
static pt_taps taps_of(const tile *t, size_t *skip)
{
    size_t c = (size_t)t->l->s.c_in, first = t->row / c;
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
    const layer *l = t->l;
    const pt_conv_shape *s = &l->s;
    size_t of_image = (size_t)s->h * (size_t)s->w * (size_t)s->c_in, skip;
    pt_taps taps = taps_of(t, &skip);
    size_t ld = (size_t)taps.n_taps * (size_t)taps.n_c;
    int step = pt_conv_rows(s, PIXELS);
    pt_values windows = {t->windows, l->x.bf16};

    for (size_t image = begin; image < end; image++) {
        for (int row = 0; row < s->out_h; row += step) {
            int n = s->out_h - row < step ? s->out_h - row : step;
            size_t at = image * pt_conv_pixels(s) + (size_t)row * (size_t)s->out_w;

            pt_im2col(s, &taps, row, n, pt_values_from(l->x, image * of_image),
                      t->windows, ld);
            add_pixels(t, (size_t)n * (size_t)s->out_w, pt_values_from(windows, skip), ld,
                       pt_values_from(l->dy, at * l->c_out), image > begin || row > 0,
                       out);
        }
    }
}

/* ---- for leaves.h ----------------------------------------------------------------- */

static void leaf(const void *context, int index, size_t begin, size_t end, float *scratch,
                 float *out)
{
    const layer *l = context;
    tile t = tile_of(l, index, scratch);

    if (l->plain)
        plain_leaf(&t, begin, end, out);
    else
        windows_leaf(&t, begin, end, out);
}

static size_t floats(const void *context, int index)
{
    tile t = tile_of(context, index, NULL);

    return t.rows * t.columns;
}

static void put(const void *context, int index, const float *sum, float *dw)
{
    const layer *l = context;
    tile t = tile_of(l, index, NULL);

    for (size_t r = 0; r < t.rows; r++)
        memcpy(dw + (t.row + r) * l->c_out + t.column, sum + r * t.columns,
               t.columns * sizeof *sum);
}

static layer layer_of(const pt_conv_shape *s, const pt_span *span, int n_threads)
{
    layer l = {.s = *s,
               .plain = pt_conv_is_plain(s),
               .depth = pt_conv_depth(s),
               .c_out = (size_t)s->c_out};
    size_t c = (size_t)s->c_in,
           pixels = (size_t)pt_conv_rows(s, PIXELS) * (size_t)s->out_w, taps;
    int wanted = pt_leaves_tiles(l.depth * l.c_out, span, n_threads);

    l.n_rows = pt_min_size(TILE_ROWS, l.depth);
    l.n_columns = pt_min_size(TILE_COLUMNS, l.c_out);
    l.by_column = pt_parts(l.c_out, l.n_columns);
    while (l.n_rows > MIN_ROWS && pt_parts(l.depth, l.n_rows) * l.by_column < wanted)
        l.n_rows = (l.n_rows + 1) / 2;
    /* a tile that crosses kernel positions takes all channels of each */
    taps = pt_min_size((size_t)(s->kh * s->kw), l.n_rows / c + 2);
    if (!l.plain)
        l.window_floats = pt_whole_lines(pixels * pt_max_size(taps * c, l.n_rows));
    return l;
}

static pt_leaves leaves_of(const layer *l)
{
    return (pt_leaves){.layer = l,
                       .n_tiles = pt_parts(l->depth, l->n_rows) * l->by_column,
                       .max_floats = l->n_rows * l->n_columns,
                       .leaf_scratch = l->window_floats +
                                       pt_gemm_packed_floats(PT_GEMM_DEPTH, l->n_columns),
                       .floats = floats,
                       .leaf = leaf,
                       .put = put};
}

void pt_exact_weights(pt_threads *pool, const pt_conv_shape *s, const pt_span *span,
                      pt_values x, pt_values dy, float *const *dw, float *scratch)
{
    layer l = layer_of(s, span, pt_threads_count(pool));
    pt_leaves leaves = leaves_of(&l);

    l.x = x;
    l.dy = dy;
    pt_leaves_run(pool, &leaves, span, dw, scratch);
}

size_t pt_exact_weights_scratch(const pt_conv_shape *s, const pt_span *span,
                                int n_threads)
{
    layer l = layer_of(s, span, n_threads);
    pt_leaves leaves = leaves_of(&l);

    return pt_leaves_scratch(&leaves, span, n_threads);
}
