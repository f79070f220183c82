/* bfloat16: the upper half of a float, one sign, eight exponent and seven stored mantissa
 * bits. All functions are pure, and give the same bits on every CPU. */
#ifndef PT_COMMON_BASE_BF16_H
#define PT_COMMON_BASE_BF16_H

#include <stddef.h>
#include <stdint.h>

/* The bits of the nearest bfloat16 to a float's bits u, as a float's. Adding just under
 * half a unit carries into the upper half where that is to be rounded up; a tie carries
 * where the upper half is odd. A NaN must not carry, it gets a mantissa bit. */
static inline uint32_t pt_bf16_nearest(uint32_t u)
{
    uint32_t carried = u + 0x7fff + ((u >> 16) & 1), quiet = u | 0x400000;

    return ((u & 0x7fffffff) > 0x7f800000 ? quiet : carried) & 0xffff0000;
}

/* The bits of an operand of a product in bf16, given a float's: the nearest bfloat16, and
 * a zero of its sign where that is denormal (common/gemm/KERNELS.md). */
static inline uint32_t pt_bf16_operand(uint32_t u)
{
    u = pt_bf16_nearest(u);
    return u & 0x7f800000 ? u : u & 0x80000000;
}

/* x [n], each rounded to the nearest bfloat16, ties to even; the results are floats.
 * Beyond the largest one it is infinite; NaN stays NaN. */
void pt_bf16_round(float *x, size_t n);

/* into [n] = into + from, rounded like pt_bf16_round. */
void pt_bf16_add(float *into, const float *from, size_t n);

/* x [n], each a bfloat16 already, to and from its two bytes. Both may work in place:
 * `out` of pack at the beginning of x, `in` of unpack at the end of x's memory. */
void pt_bf16_pack(const float *x, size_t n, uint16_t *out);
void pt_bf16_unpack(const uint16_t *in, size_t n, float *x);

#endif
