/* The exact product's kernels for AVX2 with FMA: 6 rows by 16 columns. This file alone is
 * compiled for that instruction set (CMakeLists.txt). */
#include <immintrin.h>
#include <string.h>

#include "common/gemm/gemm.h"
#include "common/gemm/gemm_path.h"
#include "common/gemm/lanes.h"

#define PT_TILE_ROWS   6
#define PT_TILE_PANELS 1
enum { LANES = 8 };

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

#include "common/gemm/gemm_tile.h"

PT_GEMM_PATH(pt_gemm_avx2, "avx2")
