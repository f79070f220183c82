/* bfloat16: the upper half of a float, one sign, eight exponent and seven stored mantissa
 * bits. All functions are pure, and give the same bits on every CPU. */
#ifndef PT_COMMON_BASE_BF16_H
#define PT_COMMON_BASE_BF16_H

#include <stddef.h>
#include <stdint.h>

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
