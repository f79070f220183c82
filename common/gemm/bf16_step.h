/* Half a step of the bf16 chain (KERNELS.md) in plain C, for paths whose CPU has neither
 * the instruction nor a mode that does it. */
#ifndef PT_COMMON_GEMM_BF16_STEP_H
#define PT_COMMON_GEMM_BF16_STEP_H

#include <math.h>

#include "common/gemm/lanes.h"

/* The smallest normal number, and halfway from there to the number of 24 bits below it if
 * exponents had no end. */
#define PT_SMALLEST      0x1p-126f
#define PT_BELOW_IS_TINY (0x1p-126 - 0x1p-151)

/* r, which is a b + c rounded by fmaf, as a CPU leaves it that replaces a tiny result by
 * a zero of its sign: tiny is what 24 bits and an exponent without end would hold as less
 * than 2^-126. fmaf alone does not tell where it rounds up to 2^-126. There a b, of 16
 * bits, is so small beside c that the double keeps its side of the limit.
 *
 * a, b    bfloat16, not denormal */
PT_INLINE float pt_bf16_flushed(float a, float b, float c, float r)
{
    float size = fabsf(r);
    double sum;

    if (!(size <= PT_SMALLEST)) return r; /* the usual case; NaN too */
    sum = fabs((double)a * (double)b + (double)c);
    return size == PT_SMALLEST && sum >= PT_BELOW_IS_TINY ? r : copysignf(0.0f, r);
}

#endif
