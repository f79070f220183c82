/* The exact product's kernels for AVX2 with FMA: 6 rows by 16 columns. This file alone is
 * compiled for that instruction set (CMakeLists.txt). */
#include <immintrin.h>
#include <string.h>

#include "worker/engine/gemm.h"
#include "worker/engine/gemm_path.h"
#include "worker/engine/lanes.h"

enum { LANES = 8, TILE_ROWS = 6, TILE_PANELS = 1 };

typedef float vec __attribute__((vector_size(LANES * sizeof(float))));
typedef int lane_mask __attribute__((vector_size(LANES * sizeof(int))));

PT_INLINE vec everywhere(float x)
{
    return (vec)_mm256_set1_ps(x);
}

PT_INLINE vec fused(vec a, vec b, vec c)
{
    return (vec)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
}

#include "worker/engine/gemm_tile.h"

#define PT_ROWS(F) F(1, 1) F(2, 1) F(3, 1) F(4, 1) F(5, 1) F(6, 1)
PT_ROWS(PT_TILES)
PT_ROWS(PT_OUTER)

#define BY_ROW(R, P)    [R - 1] = {row_##R##_1},
#define BY_COLUMN(R, P) [R - 1] = {column_##R##_1},
#define OUTER(R, P)     [R - 1] = outer_##R,

const pt_gemm_path pt_gemm_avx2 = {.name = "avx2",
                                   .rows = TILE_ROWS,
                                   .panels = TILE_PANELS,
                                   .by_row = {PT_ROWS(BY_ROW)},
                                   .by_column = {PT_ROWS(BY_COLUMN)},
                                   .outer = {PT_ROWS(OUTER)}};
