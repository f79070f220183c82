#include "common/base/bf16.h"

#include <string.h>

#include "common/base/simd.h"

enum { BLOCK = 64 }; /* values that pack and unpack hold at a time */

static inline float rounded(float x)
{
    uint32_t u;

    memcpy(&u, &x, sizeof u);
    u = pt_bf16_nearest(u);
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
