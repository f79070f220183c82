/* Channels as one vector of the compiler, for loops that keep sums in registers: sixteen
 * in a file that is compiled for AVX-512, else eight, a register of AVX2. Of a vector of
 * two registers gcc 12 keeps all values in memory: additions then wait for stores. No
 * lane sees another: a lane does what plain C would do with its channel, so the bits are
 * the same on every instruction set. */
#ifndef PT_COMMON_GEMM_LANES_H
#define PT_COMMON_GEMM_LANES_H

#include <stddef.h>
#include <string.h>

#include "common/base/simd.h"

/* The warning is about vectors as arguments; everything here is inlined. */
#pragma GCC diagnostic ignored "-Wpsabi"

#if defined __AVX512F__ || defined PT_WIDE_LANES /* a test */
enum { PT_LANES = 16 };
#else
enum { PT_LANES = 8 };
#endif

typedef float pt_lanes __attribute__((vector_size(PT_LANES * sizeof(float))));
typedef double pt_lanes_f64 __attribute__((vector_size(PT_LANES * sizeof(double))));
typedef int pt_lane_mask __attribute__((vector_size(PT_LANES * sizeof(int))));

/* The first n <= PT_LANES lanes from p, the others 0. */
PT_INLINE pt_lanes pt_load(const float *p, size_t n)
{
    pt_lanes v = {0};

    if (n == PT_LANES) {
        memcpy(&v, p, sizeof v);
    } else {
        memcpy(&v, p, n * sizeof *p);
    }
    return v;
}

/* The first n lanes to p. */
PT_INLINE void pt_store(float *p, pt_lanes v, size_t n)
{
    if (n == PT_LANES) {
        memcpy(p, &v, sizeof v);
    } else {
        memcpy(p, &v, n * sizeof *p);
    }
}

/* Below 0 becomes 0; NaN stays: pt_activate of a ReLU. */
PT_INLINE pt_lanes pt_above_zero(pt_lanes v)
{
    pt_lanes zero = {0};
    pt_lane_mask below = zero > v;

    return (pt_lanes)((pt_lane_mask)v & ~below);
}

/* v where the output of a ReLU is not <= 0, else 0: pt_activate_back. */
PT_INLINE pt_lanes pt_where_positive(pt_lanes output, pt_lanes v)
{
    pt_lanes zero = {0};
    pt_lane_mask closed = output <= zero;

    return (pt_lanes)((pt_lane_mask)v & ~closed);
}

#endif
