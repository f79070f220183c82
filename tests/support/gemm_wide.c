/* The tiles of the AVX-512 path (14 rows by two panels) with plain C in place of its two
 * instructions: their source is tested on every machine. */
#include "tests/support/gemm_wide.h"

#include <math.h>
#include <string.h>

#include "worker/engine/gemm.h"
#include "worker/engine/lanes.h"

enum { LANES = 16, TILE_ROWS = 14, TILE_PANELS = 2 };

typedef float vec __attribute__((vector_size(LANES * sizeof(float))));
typedef int lane_mask __attribute__((vector_size(LANES * sizeof(int))));

PT_INLINE vec everywhere(float x)
{
    vec v = {0};

    for (int i = 0; i < LANES; i++) v[i] = x;
    return v;
}

PT_INLINE vec fused(vec a, vec b, vec c)
{
    for (int i = 0; i < LANES; i++) c[i] = fmaf(a[i], b[i], c[i]);
    return c;
}

#include "worker/engine/gemm_tile.h"

#define PT_ROWS(F, P)                                                                    \
    F(1, P)                                                                              \
    F(2, P)                                                                              \
    F(3, P)                                                                              \
    F(4, P) F(5, P) F(6, P) F(7, P) F(8, P) F(9, P) F(10, P) F(11, P) F(12, P) F(13, P)  \
        F(14, P)
PT_ROWS(PT_TILES, 1)
PT_ROWS(PT_TILES, 2)
PT_ROWS(PT_OUTER, )

#define BY_ROW(R, P)    [R - 1] = {row_##R##_1, row_##R##_2},
#define BY_COLUMN(R, P) [R - 1] = {column_##R##_1, column_##R##_2},
#define OUTER(R, P)     [R - 1] = outer_##R,

const pt_gemm_path pt_gemm_wide = {.name = "wide",
                                   .rows = TILE_ROWS,
                                   .panels = TILE_PANELS,
                                   .by_row = {PT_ROWS(BY_ROW, )},
                                   .by_column = {PT_ROWS(BY_COLUMN, )},
                                   .outer = {PT_ROWS(OUTER, )}};
