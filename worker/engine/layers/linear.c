#include "worker/engine/layers/linear.h"

#include "common/base/sizes.h"
#include "common/gemm/gemm.h"
#include "common/gemm/pack_bf16.h"
#include "common/run/outer.h"
#include "worker/engine/layers/bias.h"

enum {
    COLUMNS = 256,    /* of y in an item of the forward pass */
    DEPTH = 128,      /* rows of w that are packed at a time: 128 KB */
    DATA_COLUMNS = 96 /* of dx in an item: rows of w */
};

typedef struct {
    size_t n_in, n_out, n_rows;
    const float *x, *w, *bias, *dy;
    bool bf16, accumulate;
    float *y;
    float *shared;  /* dy in panels */
    float *scratch; /* [threads][scratch_floats] */
    size_t scratch_floats;
} pass;

/* Floats of a panel of depth k. */
static size_t panel_step(const pass *p, size_t k)
{
    return (p->bf16 ? pt_gemm_pairs(k) : k) * PT_PANEL;
}

static void pack(const pass *p, pt_trans tb, size_t k, size_t n, const float *b,
                 size_t ldb, size_t first, size_t count, float *packed)
{
    (p->bf16 ? pt_gemm_pack_bf16 : pt_gemm_pack)(tb, k, n, b, ldb, first, count,
                                                 panel_step(p, k), packed);
}

/* ---- y = x w + bias --------------------------------------------------------------- */

/* An item is some columns of y; rows of w are packed as they come. */
static void forward_item(void *context, int item, int thread)
{
    const pass *p = context;
    size_t c = (size_t)item * COLUMNS, n = pt_min_size(COLUMNS, p->n_out - c);
    float *packed = p->scratch + (size_t)thread * p->scratch_floats;

    for (size_t k = 0; k < p->n_in; k += DEPTH) {
        size_t depth = pt_min_size(DEPTH, p->n_in - k);
        pt_product g = {.m = p->n_rows,
                        .n = n,
                        .k = depth,
                        .a = p->x + k,
                        .lda = p->n_in,
                        .b = packed,
                        .panel_step = panel_step(p, depth),
                        .bias = p->bias && k == 0 ? p->bias + c : NULL,
                        .accumulate = k > 0,
                        .bf16 = p->bf16,
                        .c = p->y + c,
                        .ldc = p->n_out};

        pack(p, PT_N, depth, n, p->w + k * p->n_out + c, p->n_out, 0, pt_gemm_panels(n),
             packed);
        pt_gemm(&g);
    }
}

static size_t forward_floats(void)
{
    return COLUMNS * DEPTH;
}

void pt_linear_forward(pt_threads *pool, int n_in, int n_out, int n_rows, bool bf16,
                       const float *x, const float *w, const float *bias, float *y,
                       float *scratch)
{
    pass p = {.n_in = (size_t)n_in,
              .n_out = (size_t)n_out,
              .n_rows = (size_t)n_rows,
              .bf16 = bf16,
              .x = x,
              .w = w,
              .bias = bias,
              .y = y,
              .scratch = scratch,
              .scratch_floats = forward_floats()};

    pt_threads_run(pool, pt_parts(p.n_out, COLUMNS), forward_item, &p);
}

/* ---- dx = dy w^T ------------------------------------------------------------------ */

/* An item is a panel of dy^T: sixteen images. */
static void pack_item(void *context, int item, int thread)
{
    const pass *p = context;

    pack(p, PT_T, p->n_out, p->n_rows, p->dy, p->n_out, (size_t)item, 1, p->shared);
}

/* An item is some columns of dx, computed as rows of dx^T = w dy^T: w is read in
 * memory order. */
static void data_item(void *context, int item, int thread)
{
    const pass *p = context;
    size_t first = (size_t)item * DATA_COLUMNS, rows = p->n_rows;
    size_t n = pt_min_size(DATA_COLUMNS, p->n_in - first);
    float *t = p->scratch + (size_t)thread * p->scratch_floats, *dx = p->y + first;
    pt_product g = {.m = n,
                    .n = rows,
                    .k = p->n_out,
                    .a = p->w + first * p->n_out,
                    .lda = p->n_out,
                    .b = p->shared,
                    .panel_step = panel_step(p, p->n_out),
                    .accumulate = p->accumulate,
                    .bf16 = p->bf16,
                    .c = t,
                    .ldc = rows};

    for (size_t r = 0; p->accumulate && r < rows; r++)
        for (size_t i = 0; i < n; i++) t[i * rows + r] = dx[r * p->n_in + i];
    pt_gemm(&g);
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < n; i++) dx[r * p->n_in + i] = t[i * rows + r];
}

static size_t data_shared(size_t n_out, size_t n_rows)
{
    return pt_gemm_packed_floats(n_out, n_rows);
}

static size_t data_floats(size_t n_rows)
{
    return pt_whole_lines(DATA_COLUMNS * n_rows);
}

void pt_linear_backward_data(pt_threads *pool, int n_in, int n_out, int n_rows, bool bf16,
                             const float *dy, const float *w, bool accumulate, float *dx,
                             float *scratch)
{
    pass p = {.n_in = (size_t)n_in,
              .n_out = (size_t)n_out,
              .n_rows = (size_t)n_rows,
              .bf16 = bf16,
              .w = w,
              .dy = dy,
              .accumulate = accumulate,
              .y = dx,
              .shared = scratch,
              .scratch_floats = data_floats((size_t)n_rows)};

    p.scratch = scratch + data_shared(p.n_out, p.n_rows);
    pt_threads_run(pool, (int)pt_gemm_panels(p.n_rows), pack_item, &p);
    pt_threads_run(pool, pt_parts(p.n_in, DATA_COLUMNS), data_item, &p);
}

/* ---- dw = x^T dy by shard, then the tree ------------------------------------------ */

typedef struct {
    pt_outer o;
    size_t n_in;
    pt_outer_tree tree;
    const bool *rows; /* NULL: all */
    float *dw;
} tree_pass;

static bool any(const bool *rows, size_t n)
{
    while (n > 0 && !rows[n - 1]) n--;
    return n > 0;
}

/* An item is as many rows of dw as a kernel holds. */
static void tree_item(void *context, int item, int thread)
{
    const tree_pass *p = context;
    size_t row = (size_t)item * pt_outer_rows();
    size_t n = pt_min_size(pt_outer_rows(), p->n_in - row);

    if (!p->rows || any(p->rows + row, n))
        pt_outer_form(&p->o, &p->tree, row, n, p->dw + row * p->o.n_out);
}

/* Sums of weights, unless no row is wanted. */
static void weight_sums(pt_threads *pool, tree_pass *p, const float *dy, float *const *dw,
                        float *packed)
{
    const pt_span *span = &p->o.span;
    pt_subtree trees[PT_MAX_COVER];
    int n_trees = pt_tree_cover(span->lo, span->hi, span->n_shards, trees);

    if (p->rows && !any(p->rows, p->n_in)) return;
    pt_outer_pack(p->o.n_out, (size_t)pt_span_images(span), dy, p->o.n_out, packed);
    p->o.dy = packed;
    for (int t = 0; t < n_trees; t++) {
        pt_outer_plan(span, trees[t], &p->tree);
        p->dw = dw[t];
        if (p->tree.n_leaves > 0)
            pt_threads_run(pool, pt_parts(p->n_in, pt_outer_rows()), tree_item, p);
    }
}

void pt_linear_backward_weights(pt_threads *pool, int n_in, int n_out,
                                const pt_span *span, const float *x, const float *dy,
                                const bool *rows, float *const *dw, float *const *db,
                                float *scratch)
{
    tree_pass p = {
        .o = {.span = *span, .x = x, .ldx = (size_t)n_in, .n_out = (size_t)n_out},
        .n_in = (size_t)n_in,
        .rows = rows};

    weight_sums(pool, &p, dy, dw, scratch);
    if (db) pt_bias_gradient(pool, span, 1, n_out, pt_floats(dy), db, scratch);
}

size_t pt_linear_scratch(int n_in, int n_out, int n_rows, int n_shards, int n_threads)
{
    size_t rows = (size_t)n_rows, out = (size_t)n_out, threads = (size_t)n_threads;
    size_t n = threads * forward_floats();

    n = pt_max_size(n, data_shared(out, rows) + threads * data_floats(rows));
    n = pt_max_size(n, pt_outer_packed(out, rows));
    return pt_max_size(n, pt_bias_scratch(n_out, n_shards));
}
