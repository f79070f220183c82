/* Kernels for operands in bf16 in plain C: four lanes, terms are floats, and what a CPU's
 * mode does elsewhere is done here. The fused operation alone would not do: where it
 * rounds up to 2^-126 it hides what was tiny, and AArch64's mode looks before it rounds.
 */
#include <string.h>
#if defined(__aarch64__)
#include <arm_neon.h>
#endif

#include "common/gemm/bf16_step.h"
#include "common/gemm/gemm.h"
#include "common/gemm/gemm_path.h"
#include "common/gemm/lanes.h"

#define PT_TILE_ROWS     6
#define PT_TILE_PANELS   1
#define PT_TILE_OWN_ENDS 1
enum { LANES = 4 };

typedef float vec __attribute__((vector_size(LANES * sizeof(float))));
typedef int lane_mask __attribute__((vector_size(LANES * sizeof(int))));

PT_INLINE vec everywhere(float x)
{
    return (vec){x, x, x, x};
}

/* A zero stays one, so only what is left up to 2^-126 needs a closer look. */
PT_INLINE bool any_small(vec v)
{
    lane_mask size = (lane_mask)v & 0x7fffffff, small = size - 1 < 0x800000;
    lane_mask found = small & (size > 0);

    return (found[0] | found[1] | found[2] | found[3]) != 0;
}

/* Rare; out of line, since a tile has dozens of steps. */
__attribute__((cold, noinline)) static vec flushed(vec a, vec b, vec c, vec r)
{
    for (int i = 0; i < LANES; i++) r[i] = pt_bf16_flushed(a[i], b[i], c[i], r[i]);
    return r;
}

PT_INLINE vec fused(vec a, vec b, vec c)
{
    vec r;

#if defined(__aarch64__)
    r = (vec)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#else
    for (int i = 0; i < LANES; i++) r[i] = fmaf(a[i], b[i], c[i]);
#endif
    return any_small(r) ? flushed(a, b, c, r) : r;
}

PT_INLINE vec started(vec c)
{
    lane_mask bits = (lane_mask)c, denormal = (bits & 0x7fffffff) < 0x800000;

    return (vec)(bits & ~(denormal & 0x7fffffff));
}

PT_INLINE vec joined(vec a, vec b)
{
    return started(started(a) + started(b));
}

#include "common/gemm/gemm_tile.h"

PT_GEMM_PATH(pt_gemm_portable_bf16, "portable")
