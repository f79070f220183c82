/* Values of a node, activations or gradients, as they lie in memory: floats, or bfloat16
 * where the net stores them so. Layers compute with floats; they read and write some
 * values at a time, where they are or by way of a small buffer of their own ("room").
 *
 * A stored bfloat16 is the nearest to its float, ties to even, and a zero where that
 * would be denormal: an operand of a product as it is (common/gemm/pack_bf16.h). Pure;
 * inlined, to be compiled for the instruction set of the caller (PT_CLONES). */
#ifndef PT_WORKER_ENGINE_VALUES_H
#define PT_WORKER_ENGINE_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/base/bf16.h"
#include "common/base/simd.h"

typedef struct {
    void *at; /* borrowed; NULL: there are none */
    bool bf16;
} pt_values;

static inline pt_values pt_floats(const float *x)
{
    return (pt_values){.at = (void *)x};
}

static inline size_t pt_value_bytes(bool bf16)
{
    return bf16 ? sizeof(uint16_t) : sizeof(float);
}

/* From value i on; i may be negative. */
static inline pt_values pt_values_from(pt_values v, ptrdiff_t i)
{
    return (pt_values){(char *)v.at + i * (ptrdiff_t)pt_value_bytes(v.bf16), v.bf16};
}

PT_INLINE void pt_values_widen(const uint16_t *restrict from, size_t n,
                               float *restrict to)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t u = (uint32_t)from[i] << 16;

        memcpy(to + i, &u, sizeof u);
    }
}

PT_INLINE void pt_values_narrow(const float *restrict from, size_t n,
                                uint16_t *restrict to)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t u;

        memcpy(&u, from + i, sizeof u);
        to[i] = (uint16_t)(pt_bf16_operand(u) >> 16);
    }
}

/* The first n values as floats, to be read: where they are, or in room [n]. */
PT_INLINE const float *pt_values_read(pt_values v, size_t n, float *room)
{
    if (!v.bf16) return v.at;
    pt_values_widen(v.at, n, room);
    return room;
}

/* Where the first n values are to be written as floats. With `keep` they are there, to be
 * changed. pt_values_put then stores them. */
PT_INLINE float *pt_values_open(pt_values v, size_t n, bool keep, float *room)
{
    if (!v.bf16) return v.at;
    if (keep) pt_values_widen(v.at, n, room);
    return room;
}

PT_INLINE void pt_values_put(pt_values v, size_t n, const float *room)
{
    if (v.bf16) pt_values_narrow(room, n, v.at);
}

#endif
