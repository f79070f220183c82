/* Numbers that C and the oracles (tests/oracle/pattern.py) make alike, bit for bit. */
#ifndef PT_TESTS_PATTERN_H
#define PT_TESTS_PATTERN_H

#include <stddef.h>
#include <stdint.h>

/* Element i of the pattern `salt`: uniform in [-1, 1), a multiple of 2^-23 (SplitMix64 of
 * salt * 2^32 + i). */
static inline float pattern_value(uint64_t salt, uint64_t i)
{
    uint64_t z = (salt << 32) + i + UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return (float)(z >> 40) * 0x1p-23f - 1.0f;
}

static inline void pattern_fill(uint64_t salt, size_t n, float *out)
{
    for (size_t i = 0; i < n; i++) out[i] = pattern_value(salt, i);
}

#endif
