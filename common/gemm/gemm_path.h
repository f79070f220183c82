/* What the exact product (gemm.h) and its kernels share: one table of kernels for each
 * instruction set. Internal to products and their tests. */
#ifndef PT_COMMON_GEMM_GEMM_PATH_H
#define PT_COMMON_GEMM_GEMM_PATH_H

#include <stdbool.h>
#include <stddef.h>

enum { PT_MAX_TILE_ROWS = 14, PT_MAX_TILE_PANELS = 2 };

/* C [rows][panels * 16] = from + A B, all in registers: each element starts at from's (or
 * 0) and takes k fused multiply-adds in order.
 *
 * a           by row: element (i, p) at a[i * lda + p]; by column: a[p * lda + i]
 * b           element (p, j) at b[j / 16 * panel_step + p * 16 + j % 16]
 * from        [rows of from_step] floats, NULL: zeros. from_step 0: one row for all
 * c           overwritten; may be from
 * relu        the result below 0 becomes 0
 * add         C + that */
typedef struct {
    size_t k;
    const float *a;
    size_t lda;
    const float *b;
    size_t panel_step;
    const float *from;
    size_t from_step;
    float *c;
    size_t ldc;
    bool relu, add;
} pt_gemm_tile;

typedef void (*pt_gemm_kernel)(const pt_gemm_tile *t);

/* out [rows][16] = the tree over leaves of x^T dy, for sums so short that a leaf stays in
 * registers: a leaf is a chain over its terms; after leaf i the last merges[i] values are
 * joined, left + right.
 *
 * x           element (row, term p) at x[p * ldx + row]
 * dy          16 columns of term p at dy + p * 16
 * bf16        leaves and sums are rounded to bfloat16, like pt_bf16_round
 * n_leaves    >= 1, with terms[i] >= 1 terms each, at most PT_MAX_OPEN values open at a
 *             time, all joined at the end */
enum { PT_MAX_OPEN = 12 };
typedef struct {
    int n_leaves;
    const int *terms, *merges;
    const float *x;
    size_t ldx;
    const float *dy;
    float *out;
    size_t ldo;
    bool bf16;
} pt_gemm_outer;

typedef void (*pt_outer_kernel)(const pt_gemm_outer *t);

struct pt_product; /* gemm.h */

typedef struct {
    const char *name; /* "avx512" */
    void (*product)(
        const struct pt_product *p); /* a library's; NULL: tiles, by these kernels */
    int rows, panels;                /* of a tile, at most */
    /* [rows - 1][panels - 1] */
    pt_gemm_kernel by_row[PT_MAX_TILE_ROWS][PT_MAX_TILE_PANELS];
    pt_gemm_kernel by_column[PT_MAX_TILE_ROWS][PT_MAX_TILE_PANELS];
    pt_outer_kernel outer[PT_MAX_TILE_ROWS]; /* [rows - 1] */
} pt_gemm_path;

#if defined(__x86_64__)
extern const pt_gemm_path pt_gemm_avx512, pt_gemm_avx2, pt_gemm_avx512_bf16;
#endif
extern const pt_gemm_path pt_gemm_portable, pt_gemm_portable_bf16;

/* Our paths that this CPU can run, fastest first; returns how many (1 to 3). */
int pt_gemm_paths(const pt_gemm_path *paths[3]);

/* The path in use: our fastest, unless pt_gemm_use chose another (engine.gemm: blas,
 * tests, benchmarks; NULL: our fastest) while no product runs. One for the process. */
const pt_gemm_path *pt_gemm_path_in_use(void);
void pt_gemm_use(const pt_gemm_path *path);

/* The same, but our fastest where a library's path is in use: for sums that only our
 * kernels form (outer). */
const pt_gemm_path *pt_gemm_kernels_in_use(void);

#endif
