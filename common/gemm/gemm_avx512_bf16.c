/* Kernels for operands in bf16 by the instruction that defines their chain: 14 rows by 32
 * columns, a term is a pair. This file alone is compiled for that instruction set
 * (CMakeLists.txt). */
#include <immintrin.h>
#include <string.h>

#include "common/gemm/gemm.h"
#include "common/gemm/gemm_path.h"
#include "common/gemm/lanes.h"

#define PT_TILE_ROWS   14
#define PT_TILE_PANELS 2
enum { LANES = 16 };

typedef float vec __attribute__((vector_size(LANES * sizeof(float))));
typedef int lane_mask __attribute__((vector_size(LANES * sizeof(int))));

PT_INLINE vec everywhere(float x)
{
    return (vec)_mm512_set1_ps(x);
}

PT_INLINE vec fused(vec a, vec b, vec c)
{
    return (vec)_mm512_dpbf16_ps((__m512)c, (__m512bh)a, (__m512bh)b);
}

#include "common/gemm/gemm_tile.h"

PT_GEMM_PATH(pt_gemm_avx512_bf16, "avx512_bf16")
