/* The exact product's kernels in plain C: four lanes, fused on AArch64; on
 * x86 without FMA fmaf is a slow but exact function of the C library. */
#include <math.h>
#include <string.h>
#if defined(__aarch64__)
#include <arm_neon.h>
#endif

#include "common/gemm/gemm.h"
#include "common/gemm/gemm_path.h"
#include "common/gemm/lanes.h"

#define PT_TILE_ROWS   6
#define PT_TILE_PANELS 1
enum { LANES = 4 };

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

#include "common/gemm/gemm_tile.h"

PT_GEMM_PATH(pt_gemm_portable, "portable")
