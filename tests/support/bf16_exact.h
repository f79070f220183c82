/* The bf16 chain (common/gemm/KERNELS.md) by whole numbers: products and sums are exact
 * integers, rounding and flushing are written out. Shares nothing with the kernels. */
#ifndef PT_TESTS_BF16_EXACT_H
#define PT_TESTS_BF16_EXACT_H

#include <stdint.h>

/* a b + c for the bits of floats, a and b bfloat16: denormal operands count as zero, the
 * result is rounded to nearest, ties to even, and is a zero of its sign if it would be
 * below 2^-126 with 24 bits and an exponent without end. NaN is 0x7fc00000. */
uint32_t exact_fused(uint32_t a, uint32_t b, uint32_t c);

/* A step: the odd terms, then the even ones; each the upper half of a float. */
uint32_t exact_step(uint16_t a_even, uint16_t a_odd, uint16_t b_even, uint16_t b_odd,
                    uint32_t c);

/* a b + c likewise, for floats and faster: fmaf where it is beyond doubt. */
float exact_half(float a, float b, float c);

#endif
