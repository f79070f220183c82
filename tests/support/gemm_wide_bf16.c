/* The tiles of the AVX512-BF16 path with plain C instead of its instruction: pairs go
 * through the same source on every machine. */
#include <math.h>
#include <string.h>

#include "common/gemm/bf16_step.h"
#include "common/gemm/gemm.h"
#include "common/gemm/lanes.h"
#include "tests/support/gemm_wide.h"

#define PT_TILE_ROWS     14
#define PT_TILE_PANELS   2
#define PT_TILE_OWN_ENDS 1
enum { LANES = 16 };

typedef float vec __attribute__((vector_size(LANES * sizeof(float))));
typedef int lane_mask __attribute__((vector_size(LANES * sizeof(int))));

PT_INLINE vec everywhere(float x)
{
    vec v = {0};

    for (int i = 0; i < LANES; i++) v[i] = x;
    return v;
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

PT_INLINE float half_step(unsigned a, unsigned b, float c)
{
    float x, y;

    memcpy(&x, &a, sizeof x);
    memcpy(&y, &b, sizeof y);
    return pt_bf16_flushed(x, y, c, fmaf(x, y, c));
}

PT_INLINE vec fused(vec a, vec b, vec c)
{
    typedef unsigned bits __attribute__((vector_size(sizeof(vec))));
    bits x = (bits)a, y = (bits)b;

    for (int i = 0; i < LANES; i++)
        c[i] = half_step(x[i] << 16, y[i] << 16,
                         half_step(x[i] & 0xffff0000, y[i] & 0xffff0000, c[i]));
    return c;
}

#include "common/gemm/gemm_tile.h"

static PT_GEMM_PATH(wide, "wide");

const pt_gemm_bf16_path pt_gemm_wide_bf16 = {
    .name = "wide", .kernels = &wide, .pairs = true};
