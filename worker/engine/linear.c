#include "worker/engine/linear.h"

#include "worker/engine/gemm_blas.h"
#include "worker/engine/linear_rows.h"
#include "worker/engine/simd.h"
#include "worker/engine/tree_sum.h"

enum {
    TILE_FLOATS = 64 * 1024, /* of a weight gradient: 256 KB */
    MIN_TILES = 4,           /* something to do for each of a few threads */
    BIAS_COLUMNS = 64,
    LINE = 16
};

typedef struct {
    size_t n_in, n_out;
    size_t row, n_rows; /* forward and data */
    size_t tile;        /* columns of y or dx, or rows of dw */
    int n_tiles;
    const float *x, *w, *bias;
    bool accumulate;
    float *y;
    const pt_span *span; /* weight gradient: x, dy = w */
    int n_trees;
    pt_subtree trees[PT_MAX_COVER];
    const float *dy;
    float *const *dw, *const *db;
    float *scratch;
    size_t scratch_floats;
} pass;

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t max_size(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t round_up(size_t n)
{
    return (n + LINE - 1) / LINE * LINE;
}

/* Cuts n into tiles of at most `tile`. */
static void set_tiles(pass *p, size_t n, size_t tile)
{
    p->tile = min_size(n, tile);
    p->n_tiles = (int)((n + p->tile - 1) / p->tile);
}

/* Rows of all groups lie one after another and may share a product (linear_rows.h). */
static void set_rows(pass *p, const int *group_begin, int n_groups)
{
    p->row = (size_t)group_begin[0];
    p->n_rows = (size_t)(group_begin[n_groups] - group_begin[0]);
}

/* An item is a tile of columns of y. */
static void forward_item(void *context, int item, int thread)
{
    const pass *p = context;
    size_t c = (size_t)item * p->tile;

    (void)thread;
    pt_rows_forward(p->n_rows, p->n_in, min_size(p->tile, p->n_out - c), p->n_out,
                    p->x + p->row * p->n_in, p->w + c, p->bias ? p->bias + c : NULL,
                    p->y + p->row * p->n_out + c);
}

void pt_linear_forward(pt_pool *pool, int n_in, int n_out, const int *group_begin,
                       int n_groups, const float *x, const float *w, const float *bias,
                       float *y)
{
    pass p = {.n_in = (size_t)n_in,
              .n_out = (size_t)n_out,
              .x = x,
              .w = w,
              .bias = bias,
              .y = y};

    set_rows(&p, group_begin, n_groups);
    set_tiles(&p, p.n_out, PT_ROWS_COLUMNS);
    pt_pool_run(pool, p.n_tiles, forward_item, &p);
}

/* An item is a tile of columns of dx; here x is dy and y is dx. */
static void data_item(void *context, int item, int thread)
{
    const pass *p = context;
    size_t c = (size_t)item * p->tile;

    (void)thread;
    pt_rows_backward(p->n_rows, p->n_out, min_size(p->tile, p->n_in - c), p->n_in,
                     p->x + p->row * p->n_out, p->w + c * p->n_out, p->accumulate,
                     p->y + p->row * p->n_in + c);
}

void pt_linear_backward_data(pt_pool *pool, int n_in, int n_out, const int *group_begin,
                             int n_groups, const float *dy, const float *w,
                             bool accumulate, float *dx)
{
    pass p = {.n_in = (size_t)n_in,
              .n_out = (size_t)n_out,
              .x = dy,
              .w = w,
              .accumulate = accumulate,
              .y = dx};

    set_rows(&p, group_begin, n_groups);
    set_tiles(&p, p.n_in, PT_ROWS_COLUMNS);
    pt_pool_run(pool, p.n_tiles, data_item, &p);
}

/* The context of a leaf: some rows of dw, or some columns of db. */
typedef struct {
    const pass *p;
    size_t begin, n;
} part;

static void shard_rows(const pt_span *span, int shard, size_t *row, size_t *n_rows)
{
    int begin = pt_shard_begin(shard, span->n_shards, span->b);

    *row = (size_t)(begin - pt_span_first(span));
    *n_rows = (size_t)pt_shard_size(span, shard);
}

static void weight_leaf(void *context, int shard, float *out)
{
    const part *t = context;
    const pass *p = t->p;
    size_t row, n_rows;

    shard_rows(p->span, shard, &row, &n_rows);
    pt_blas_gemm(PT_T, PT_N, t->n, p->n_out, n_rows, p->x + row * p->n_in + t->begin, p->n_in,
            p->dy + row * p->n_out, p->n_out, false, out, p->n_out);
}

PT_CLONES static void bias_leaf(void *context, int shard, float *out)
{
    const part *t = context;
    const pass *p = t->p;
    double sum[BIAS_COLUMNS] = {0};
    size_t row, n_rows;

    shard_rows(p->span, shard, &row, &n_rows);
    for (size_t r = row; r < row + n_rows; r++) {
        const float *dy = p->dy + r * p->n_out + t->begin;

        for (size_t i = 0; i < t->n; i++) sum[i] += (double)dy[i];
    }
    for (size_t i = 0; i < t->n; i++) out[i] = (float)sum[i];
}

static bool tree_has_images(const pass *p, int t)
{
    return pt_node_size(p->span, p->trees[t].level, p->trees[t].index) > 0;
}

/* An item is a tile of rows of dw; after those, a group of columns of db. */
static void weights_item(void *context, int item, int thread)
{
    const pass *p = context;
    float *tmp = p->scratch + (size_t)thread * p->scratch_floats;
    bool bias = item >= p->n_tiles;
    size_t width = bias ? BIAS_COLUMNS : p->tile, all = bias ? p->n_out : p->n_in;
    part part_of = {.p = p, .begin = (size_t)(bias ? item - p->n_tiles : item) * width};

    part_of.n = min_size(width, all - part_of.begin);
    for (int t = 0; t < p->n_trees; t++) {
        if (!tree_has_images(p, t)) continue;
        if (bias) {
            pt_tree_sum(p->span, p->trees[t], part_of.n, bias_leaf, &part_of,
                        p->db[t] + part_of.begin, tmp);
        } else {
            pt_tree_sum(p->span, p->trees[t], part_of.n * p->n_out, weight_leaf, &part_of,
                        p->dw[t] + part_of.begin * p->n_out, tmp);
        }
    }
}

/* Rows of dw per tile: by the layer alone. */
static size_t tile_rows(size_t n_in, size_t n_out)
{
    size_t rows = max_size(LINE, TILE_FLOATS / n_out);

    return max_size(1, min_size(rows, round_up(n_in / MIN_TILES)));
}

size_t pt_linear_scratch(int n_in, int n_out, int n_shards)
{
    size_t tile = tile_rows((size_t)n_in, (size_t)n_out) * (size_t)n_out;

    return round_up(max_size(tile, BIAS_COLUMNS) * (size_t)pt_tree_levels(n_shards));
}

void pt_linear_backward_weights(pt_pool *pool, int n_in, int n_out, const pt_span *span,
                                const float *x, const float *dy, float *const *dw,
                                float *const *db, float *scratch)
{
    pass p = {.n_in = (size_t)n_in,
              .n_out = (size_t)n_out,
              .x = x,
              .span = span,
              .dy = dy,
              .dw = dw,
              .db = db,
              .scratch = scratch,
              .scratch_floats = pt_linear_scratch(n_in, n_out, span->n_shards)};
    int n_bias = db ? (n_out + BIAS_COLUMNS - 1) / BIAS_COLUMNS : 0;

    p.n_trees = pt_tree_cover(span->lo, span->hi, span->n_shards, p.trees);
    set_tiles(&p, p.n_in, tile_rows(p.n_in, p.n_out));
    pt_pool_run(pool, p.n_tiles + n_bias, weights_item, &p);
}
