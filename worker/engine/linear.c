#include "worker/engine/linear.h"

#include <string.h>

#include "worker/engine/conv_internal.h"
#include "worker/engine/gemm.h"
#include "worker/engine/tree_sum.h"

enum {
    COLUMNS = 256,     /* of y in an item of the forward pass */
    DEPTH = 128,       /* rows of w that are packed at a time: 128 KB */
    DATA_COLUMNS = 96, /* of dx in an item: rows of w */
    GRAD_ROWS = 6,     /* of a tile of dw, which stays in the L1 cache with its tree */
    GRAD_COLUMNS = 256
};

typedef struct {
    size_t n_in, n_out, n_rows;
    const float *x, *w, *bias, *dy;
    bool accumulate;
    float *y;
    const pt_span *span;
    int n_trees;
    pt_subtree trees[PT_MAX_COVER];
    float *const *dw;
    float *shared;  /* dy in panels */
    float *scratch; /* [threads][scratch_floats] */
    size_t scratch_floats;
} pass;

static size_t panels_of(size_t n)
{
    return (n + PT_PANEL - 1) / PT_PANEL;
}

static int parts(size_t n, size_t part)
{
    return (int)((n + part - 1) / part);
}

/* ---- y = x w + bias ------------------------------------------------------------------
 */

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
                        .panel_step = depth * PT_PANEL,
                        .bias = p->bias && k == 0 ? p->bias + c : NULL,
                        .accumulate = k > 0,
                        .c = p->y + c,
                        .ldc = p->n_out};

        pt_gemm_pack(PT_N, depth, n, p->w + k * p->n_out + c, p->n_out, 0, panels_of(n),
                     g.panel_step, packed);
        pt_gemm(&g);
    }
}

static size_t forward_floats(void)
{
    return COLUMNS * DEPTH;
}

void pt_linear_forward(pt_pool *pool, int n_in, int n_out, int n_rows, const float *x,
                       const float *w, const float *bias, float *y, float *scratch)
{
    pass p = {.n_in = (size_t)n_in,
              .n_out = (size_t)n_out,
              .n_rows = (size_t)n_rows,
              .x = x,
              .w = w,
              .bias = bias,
              .y = y,
              .scratch = scratch,
              .scratch_floats = forward_floats()};

    pt_pool_run(pool, parts(p.n_out, COLUMNS), forward_item, &p);
}

/* ---- dx = dy w^T ---------------------------------------------------------------------
 */

/* An item is a panel of dy^T: sixteen images. */
static void pack_item(void *context, int item, int thread)
{
    const pass *p = context;

    pt_gemm_pack(PT_T, p->n_out, p->n_rows, p->dy, p->n_out, (size_t)item, 1,
                 p->n_out * PT_PANEL, p->shared);
}

/* An item is some columns of dx, computed as rows of dx^T = w dy^T: w is read as it
 * lies. */
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
                    .panel_step = p->n_out * PT_PANEL,
                    .accumulate = p->accumulate,
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
    return pt_round_up(DATA_COLUMNS * n_rows);
}

void pt_linear_backward_data(pt_pool *pool, int n_in, int n_out, int n_rows,
                             const float *dy, const float *w, bool accumulate, float *dx,
                             float *scratch)
{
    pass p = {.n_in = (size_t)n_in,
              .n_out = (size_t)n_out,
              .n_rows = (size_t)n_rows,
              .w = w,
              .dy = dy,
              .accumulate = accumulate,
              .y = dx,
              .shared = scratch,
              .scratch_floats = data_floats((size_t)n_rows)};

    p.scratch = scratch + data_shared(p.n_out, p.n_rows);
    pt_pool_run(pool, (int)panels_of(p.n_rows), pack_item, &p);
    pt_pool_run(pool, parts(p.n_in, DATA_COLUMNS), data_item, &p);
}

/* ---- dw = x^T dy by shard, then the tree ---------------------------------------------
 */

/* Where the panels of a shard's rows begin: in the order of the rows. */
static float *packed_rows(const pass *p, size_t row)
{
    return p->shared + row * panels_of(p->n_out) * PT_PANEL;
}

static void pack_shard(void *context, int item, int thread)
{
    const pass *p = context;
    size_t begin, end;

    pt_shard_images(p->span, p->span->lo + item, &begin, &end);
    pt_gemm_pack(PT_N, end - begin, p->n_out, p->dy + begin * p->n_out, p->n_out, 0,
                 panels_of(p->n_out), (end - begin) * PT_PANEL, packed_rows(p, begin));
}

/* The context of a leaf. */
typedef struct {
    const pass *p;
    size_t row, rows, column, columns;
} tile;

static void leaf(void *context, int shard, float *out)
{
    const tile *t = context;
    const pass *p = t->p;
    size_t begin, end;

    pt_shard_images(p->span, shard, &begin, &end);
    pt_product g = {.ta = PT_T,
                    .m = t->rows,
                    .n = t->columns,
                    .k = end - begin,
                    .a = p->x + begin * p->n_in + t->row,
                    .lda = p->n_in,
                    .panel_step = (end - begin) * PT_PANEL,
                    .c = out,
                    .ldc = t->columns};

    g.b = packed_rows(p, begin) + t->column / PT_PANEL * g.panel_step;
    pt_gemm(&g);
}

/* An item is some rows of dw. */
static void weights_item(void *context, int item, int thread)
{
    const pass *p = context;
    float *sum = p->scratch + (size_t)thread * p->scratch_floats;
    tile t = {.p = p, .row = (size_t)item * GRAD_ROWS};

    t.rows = pt_min_size(GRAD_ROWS, p->n_in - t.row);
    for (; t.column < p->n_out; t.column += GRAD_COLUMNS) {
        t.columns = pt_min_size(GRAD_COLUMNS, p->n_out - t.column);
        size_t n = t.rows * t.columns;

        for (int i = 0; i < p->n_trees; i++) {
            if (pt_node_size(p->span, p->trees[i].level, p->trees[i].index) == 0)
                continue;
            pt_tree_sum(p->span, p->trees[i], n, leaf, &t, sum, sum + n);
            for (size_t r = 0; r < t.rows; r++)
                memcpy(p->dw[i] + (t.row + r) * p->n_out + t.column, sum + r * t.columns,
                       t.columns * sizeof *sum);
        }
    }
}

static size_t weights_floats(int n_shards)
{
    return GRAD_ROWS * GRAD_COLUMNS * (size_t)(1 + pt_tree_levels(n_shards));
}

static size_t weights_shared(size_t n_out, size_t n_rows)
{
    return n_rows * panels_of(n_out) * PT_PANEL;
}

void pt_linear_backward_weights(pt_pool *pool, int n_in, int n_out, const pt_span *span,
                                const float *x, const float *dy, float *const *dw,
                                float *const *db, float *scratch)
{
    pass p = {.n_in = (size_t)n_in,
              .n_out = (size_t)n_out,
              .n_rows = (size_t)pt_span_images(span),
              .x = x,
              .span = span,
              .dy = dy,
              .dw = dw,
              .shared = scratch,
              .scratch_floats = weights_floats(span->n_shards)};

    p.scratch = scratch + weights_shared(p.n_out, p.n_rows);
    p.n_trees = pt_tree_cover(span->lo, span->hi, span->n_shards, p.trees);
    pt_pool_run(pool, span->hi - span->lo, pack_shard, &p);
    pt_pool_run(pool, parts(p.n_in, GRAD_ROWS), weights_item, &p);
    if (db) pt_bias_gradient(pool, span, 1, n_out, dy, db, scratch);
}

size_t pt_linear_scratch(int n_in, int n_out, int n_rows, int n_shards, int n_threads)
{
    size_t rows = (size_t)n_rows, out = (size_t)n_out, threads = (size_t)n_threads;
    size_t n = threads * forward_floats();

    n = pt_max_size(n, data_shared(out, rows) + threads * data_floats(rows));
    n = pt_max_size(n, weights_shared(out, rows) + threads * weights_floats(n_shards));
    return pt_max_size(n, pt_bias_scratch(n_out, n_shards));
}
