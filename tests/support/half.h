/* Rounding to half precision, for tests that compare with weights stored so. */
#ifndef PT_TESTS_HALF_H
#define PT_TESTS_HALF_H

#include <stdint.h>
#include <string.h>

/* The half nearest to a number below 65504, ties to even. */
static inline float round_to_half(float f)
{
    uint32_t bits;

    if (f < 0) return -round_to_half(-f);
    if (f < 0x1p-14f) return (f + 0x1p-1f) - 0x1p-1f; /* steps of 2^-24 */
    memcpy(&bits, &f, sizeof bits);
    bits += 0xfff + (bits >> 13 & 1);
    bits &= ~0x1fffu;
    memcpy(&f, &bits, sizeof f);
    return f;
}

#endif
