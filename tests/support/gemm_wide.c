/* The tiles of the AVX-512 path (14 rows by two panels) with plain C instead of its two
 * instructions: their source is tested on every machine. */
#include "tests/support/gemm_wide.h"

#include <math.h>
#include <string.h>

#include "common/gemm/gemm.h"
#include "common/gemm/lanes.h"

#define PT_TILE_ROWS   14
#define PT_TILE_PANELS 2
enum { LANES = 16 };

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

#include "common/gemm/gemm_tile.h"

PT_GEMM_PATH(pt_gemm_wide, "wide")
