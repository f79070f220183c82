#include "common/base/bf16.h"

#include <string.h>

#include "common/base/simd.h"

enum { BLOCK = 64 }; /* values that pack and unpack hold at a time */

/* The bits of the nearest bfloat16 to a float's bits u, as a float's. Adding just under
 * half a unit carries into the upper half where that is to be rounded up; a tie carries
 * where the upper half is odd. A NaN must not carry, it gets a mantissa bit. */
static inline uint32_t nearest(uint32_t u)
{
    uint32_t carried = u + 0x7fff + ((u >> 16) & 1), quiet = u | 0x400000;

    return ((u & 0x7fffffff) > 0x7f800000 ? quiet : carried) & 0xffff0000;
}

static inline float rounded(float x)
{
    uint32_t u;

    memcpy(&u, &x, sizeof u);
    u = nearest(u);
    memcpy(&x, &u, sizeof x);
    return x;
}

PT_CLONES void pt_bf16_round(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) x[i] = rounded(x[i]);
}

PT_CLONES void pt_bf16_add(float *restrict into, const float *restrict from, size_t n)
{
    for (size_t i = 0; i < n; i++) into[i] = rounded(into[i] + from[i]);
}

PT_CLONES void pt_bf16_pack(const float *x, size_t n, uint16_t *out)
{
    for (size_t at = 0; at < n; at += BLOCK) {
        size_t some = n - at < BLOCK ? n - at : BLOCK;
        uint32_t bits[BLOCK];
        uint16_t halves[BLOCK];

        memcpy(bits, x + at, some * sizeof *bits);
        for (size_t i = 0; i < some; i++) halves[i] = (uint16_t)(bits[i] >> 16);
        memcpy(out + at, halves, some * sizeof *halves);
    }
}

PT_CLONES void pt_bf16_unpack(const uint16_t *in, size_t n, float *x)
{
    for (size_t at = 0; at < n; at += BLOCK) {
        size_t some = n - at < BLOCK ? n - at : BLOCK;
        uint32_t bits[BLOCK];
        uint16_t halves[BLOCK];

        memcpy(halves, in + at, some * sizeof *halves);
        for (size_t i = 0; i < some; i++) bits[i] = (uint32_t)halves[i] << 16;
        memcpy(x + at, bits, some * sizeof *bits);
    }
}
