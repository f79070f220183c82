/* The exact product's kernels in plain C: four lanes, fused on AArch64; on
 * x86 without FMA fmaf is a slow but exact function of the C library. */
#include <math.h>
#include <string.h>
#if defined(__aarch64__)
#include <arm_neon.h>
#endif

#include "worker/engine/gemm.h"
#include "worker/engine/gemm_path.h"
#include "worker/engine/lanes.h"

enum { LANES = 4, TILE_ROWS = 6, TILE_PANELS = 1 };

typedef float vec __attribute__((vector_size(LANES * sizeof(float))));
typedef int lane_mask __attribute__((vector_size(LANES * sizeof(int))));

PT_INLINE vec everywhere(float x)
{
    return (vec){x, x, x, x};
}

PT_INLINE vec fused(vec a, vec b, vec c)
{
#if defined(__aarch64__)
    return (vec)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#else
    for (int i = 0; i < LANES; i++) c[i] = fmaf(a[i], b[i], c[i]);
    return c;
#endif
}

#include "worker/engine/gemm_tile.h"

#define PT_ROWS(F) F(1, 1) F(2, 1) F(3, 1) F(4, 1) F(5, 1) F(6, 1)
PT_ROWS(PT_TILES)
PT_ROWS(PT_OUTER)

#define BY_ROW(R, P)    [R - 1] = {row_##R##_1},
#define BY_COLUMN(R, P) [R - 1] = {column_##R##_1},
#define OUTER(R, P)     [R - 1] = outer_##R,

const pt_gemm_path pt_gemm_portable = {.name = "portable",
                                       .rows = TILE_ROWS,
                                       .panels = TILE_PANELS,
                                       .by_row = {PT_ROWS(BY_ROW)},
                                       .by_column = {PT_ROWS(BY_COLUMN)},
                                       .outer = {PT_ROWS(OUTER)}};
