#include "common/gemm/gemm.h"

#include <string.h>

#include "common/base/simd.h"
#include "common/base/sizes.h"
#include "common/gemm/flush.h"
#include "common/gemm/gemm_bf16.h"
#include "common/gemm/gemm_path.h"
#include "common/gemm/pack_bf16.h"

enum {
    ROW_BLOCK = 96,        /* rows of A that stay in the L2 cache ... */
    DEPTH = PT_GEMM_DEPTH, /* ... for this many k; a panel's part stays in L1 */
    DENSE = 128,           /* floats: rows this close need no copy */
    PAD = 16,         /* so that rows of a copied block begin in different cache sets */
    BAD_STRIDE = 1024 /* floats: rows this far apart fall into the same cache sets */
};

/* ---- the path --------------------------------------------------------------------- */

static const pt_gemm_path *chosen;

int pt_gemm_paths(const pt_gemm_path *paths[3])
{
    int n = 0;

#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) paths[n++] = &pt_gemm_avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        paths[n++] = &pt_gemm_avx2;
#endif
    paths[n++] = &pt_gemm_portable;
    return n;
}

void pt_gemm_use(const pt_gemm_path *path)
{
    __atomic_store_n(&chosen, path, __ATOMIC_RELAXED);
}

const pt_gemm_path *pt_gemm_path_in_use(void)
{
    const pt_gemm_path *paths[3], *p = __atomic_load_n(&chosen, __ATOMIC_RELAXED);

    if (p) return p;
    pt_gemm_paths(paths);
    pt_gemm_use(paths[0]);
    return paths[0];
}

const pt_gemm_path *pt_gemm_kernels_in_use(void)
{
    const pt_gemm_path *paths[3], *p = pt_gemm_path_in_use();

    if (!p->product) return p;
    pt_gemm_paths(paths);
    return paths[0];
}

/* ---- packing ---------------------------------------------------------------------- */

size_t pt_gemm_packed_floats(size_t k, size_t n)
{
    return pt_gemm_panels(n) * PT_PANEL * k;
}

PT_CLONES static void pack_rows(size_t k, const float *b, size_t ldb, float *to)
{
    for (size_t p = 0; p < k; p++, b += ldb, to += PT_PANEL)
        memcpy(to, b, PT_PANEL * sizeof *to);
}

/* Sixteen rows of b, each of k floats, become columns. */
PT_CLONES static void pack_columns(size_t k, const float *b, size_t ldb, float *to)
{
    size_t p = 0;

    for (; p + PT_PANEL <= k; p += PT_PANEL, to += PT_PANEL * PT_PANEL) {
        for (size_t j = 0; j < PT_PANEL; j++) {
            const float *from = b + j * ldb + p;

            for (size_t i = 0; i < PT_PANEL; i++) to[i * PT_PANEL + j] = from[i];
        }
    }
    for (; p < k; p++, to += PT_PANEL)
        for (size_t j = 0; j < PT_PANEL; j++) to[j] = b[j * ldb + p];
}

static void pack_ragged(pt_trans tb, size_t k, size_t n, const float *b, size_t ldb,
                        float *to)
{
    size_t step_p = tb == PT_N ? ldb : 1, step_j = tb == PT_N ? 1 : ldb;

    for (size_t p = 0; p < k; p++, to += PT_PANEL)
        for (size_t j = 0; j < PT_PANEL; j++)
            to[j] = j < n ? b[p * step_p + j * step_j] : 0;
}

void pt_gemm_pack(pt_trans tb, size_t k, size_t n, const float *b, size_t ldb,
                  size_t first, size_t count, size_t panel_step, float *packed)
{
    for (size_t i = first; i < first + count; i++) {
        size_t j = i * PT_PANEL;
        const float *from = b + (tb == PT_N ? j : j * ldb);
        float *to = packed + i * panel_step;

        if (n - j < PT_PANEL)
            pack_ragged(tb, k, n - j, from, ldb, to);
        else if (tb == PT_N)
            pack_rows(k, from, ldb, to);
        else
            pack_columns(k, from, ldb, to);
    }
}

/* ---- the product ------------------------------------------------------------------ */

/* A block of rows and of k. */
typedef struct {
    const pt_product *p;
    const pt_gemm_path *path;
    const pt_gemm_bf16_path *bf16;  /* NULL: operands are floats */
    size_t row, rows, depth, terms; /* terms of the kernel for this depth */
    const float *a, *b;             /* at the block */
    const uint16_t *stored;         /* in the place of a */
    size_t lda;
    bool by_column, first, last; /* of k */
} block;

/* One tile in a panel that the matrix does not fill: the kernel works on a copy. */
static void ragged_tile(pt_gemm_kernel run, pt_gemm_tile *t, size_t rows, size_t n)
{
    float copy[PT_MAX_TILE_ROWS][PT_PANEL] = {{0}};
    float *c = t->c;
    size_t ldc = t->ldc;

    for (size_t i = 0; (t->from || t->add) && i < rows; i++)
        memcpy(copy[i], t->add ? c + i * ldc : t->from + i * t->from_step, n * sizeof *c);
    if (t->from) t->from = copy[0];
    t->from_step = PT_PANEL;
    t->c = copy[0];
    t->ldc = PT_PANEL;
    run(t);
    for (size_t i = 0; i < rows; i++) memcpy(c + i * ldc, copy[i], n * sizeof *c);
}

/* Panels of B as a kernel reads them. */
typedef struct {
    const float *at;
    size_t step;
} panels_of_b;

static void one_tile(const block *b, panels_of_b from, size_t row, size_t rows,
                     size_t column, size_t n)
{
    const pt_product *p = b->p;
    float *c = p->c + (b->row + row) * p->ldc + column;
    bool carry = !b->first || p->accumulate;
    size_t panels = pt_gemm_panels(n);
    pt_gemm_tile t = {.k = b->terms,
                      .a = b->a + row * (b->by_column ? 1 : b->lda),
                      .lda = b->lda,
                      .b = from.at,
                      .panel_step = from.step,
                      .from = carry     ? c
                              : p->bias ? p->bias + column
                                        : NULL,
                      .from_step = carry ? p->ldc : 0,
                      .c = c,
                      .ldc = p->ldc,
                      .relu = b->last && p->relu,
                      .add = p->add};
    pt_gemm_kernel run = b->by_column ? b->path->by_column[rows - 1][panels - 1]
                                      : b->path->by_row[rows - 1][panels - 1];

    if (n % PT_PANEL)
        ragged_tile(run, &t, rows, n);
    else
        run(&t);
}

/* Panels of pairs, split for kernels that take floats. */
typedef float split_panels[PT_MAX_TILE_PANELS][DEPTH * PT_PANEL];

static panels_of_b split(const block *b, panels_of_b from, size_t n)
{
    static _Thread_local split_panels copy __attribute__((aligned(64)));

    for (size_t i = 0; i < pt_gemm_panels(n); i++)
        pt_bf16_split_panel(from.at + i * from.step, pt_gemm_pairs(b->depth), copy[i]);
    return (panels_of_b){copy[0], DEPTH * PT_PANEL};
}

/* Tiles of nearly equal heights, for each group of panels. */
static void tiles(const block *b)
{
    size_t max = (size_t)b->path->rows, n_tiles = (b->rows + max - 1) / max;
    size_t n = b->p->n, wide = (size_t)b->path->panels * PT_PANEL;

    for (size_t column = 0; column < n;) {
        size_t left = n - column, row = 0;
        size_t width = left >= wide ? wide : pt_min_size(left, PT_PANEL);
        panels_of_b from = {b->b + column / PT_PANEL * b->p->panel_step,
                            b->p->panel_step};

        if (b->bf16 && !b->bf16->pairs) from = split(b, from, width);
        for (size_t i = 0; i < n_tiles; i++) {
            size_t rows = b->rows / n_tiles + (i < b->rows % n_tiles);

            one_tile(b, from, row, rows, column, width);
            row += rows;
        }
        column += width;
    }
}

/* Copy of a block of A that is rounded, or whose lines would share few cache sets:
 * [rows][DEPTH + PAD], or [depth][ROW_BLOCK] by column. */
typedef float block_copy[ROW_BLOCK * (DEPTH + PAD)];

static void copy_block(block *b, float *to)
{
    size_t n = b->by_column ? b->depth : b->rows, len = b->by_column ? b->rows : b->depth;
    size_t step = b->by_column ? ROW_BLOCK : DEPTH + PAD;

    if (b->stored && b->by_column)
        pt_bf16_stored_columns(b->bf16->pairs, b->rows, b->depth, b->stored, b->lda, to,
                               step);
    else if (b->stored)
        pt_bf16_stored_rows(b->bf16->pairs, b->rows, b->depth, b->stored, b->lda, to,
                            step);
    else if (b->bf16 && b->by_column)
        pt_bf16_block_columns(b->bf16->pairs, b->rows, b->depth, b->a, b->lda, to, step);
    else if (b->bf16)
        pt_bf16_block_rows(b->bf16->pairs, b->rows, b->depth, b->a, b->lda, to, step);
    for (size_t i = 0; !b->bf16 && i < n; i++)
        memcpy(to + i * step, b->a + i * b->lda, len * sizeof *to);
    b->a = to;
    b->lda = step;
}

static void product_by_tiles(const pt_product *p, const pt_gemm_path *path,
                             const pt_gemm_bf16_path *bf16)
{
    static _Thread_local block_copy copy __attribute__((aligned(64)));
    block b = {.p = p, .path = path, .bf16 = bf16, .by_column = p->ta == PT_T};
    bool shares = b.by_column ? p->lda > DENSE : p->lda % BAD_STRIDE == 0;
    bool copies = bf16 || shares;

    for (b.row = 0; b.row < p->m; b.row += ROW_BLOCK) {
        b.rows = pt_min_size(ROW_BLOCK, p->m - b.row);
        for (size_t k = 0; k < p->k; k += DEPTH) {
            size_t at = b.by_column ? k * p->lda + b.row : b.row * p->lda + k;

            b.depth = pt_min_size(DEPTH, p->k - k);
            b.first = k == 0;
            b.last = k + b.depth == p->k;
            if (p->stored)
                b.stored = p->stored + at;
            else
                b.a = p->a + at;
            b.lda = p->lda;
            b.terms = bf16 ? pt_gemm_bf16_terms(bf16, b.depth) : b.depth;
            b.b = p->b + (bf16 ? k / 2 : k) * PT_PANEL;
            if (copies) copy_block(&b, copy);
            tiles(&b);
        }
    }
}

static void product_of_bf16(const pt_product *p)
{
    const pt_gemm_bf16_path *path = pt_gemm_bf16_path_in_use();
    unsigned before = path->by_mode ? pt_flush_begin() : 0;

    product_by_tiles(p, path->kernels, path);
    if (path->by_mode) pt_flush_end(before);
}

void pt_gemm(const pt_product *p)
{
    const pt_gemm_path *path = pt_gemm_path_in_use();

    if (p->bf16)
        product_of_bf16(p);
    else if (path->product)
        path->product(p);
    else
        product_by_tiles(p, path, NULL);
}
