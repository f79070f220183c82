/* Values (values.h) as lanes (lanes.h). Inlined: `v.bf16` is to be a constant in hot
 * loops. */
#ifndef PT_WORKER_ENGINE_VALUE_LANES_H
#define PT_WORKER_ENGINE_VALUE_LANES_H

#include "common/gemm/lanes.h"
#include "worker/engine/values.h"

/* The first n <= PT_LANES values in lanes, the others 0; and back. */
PT_INLINE pt_lanes pt_values_load(pt_values v, size_t n)
{
    float room[PT_LANES] = {0};

    if (!v.bf16) return pt_load(v.at, n);
    pt_values_widen(v.at, n, room);
    return pt_load(room, PT_LANES);
}

PT_INLINE void pt_values_store(pt_values v, pt_lanes lanes, size_t n)
{
    float room[PT_LANES];

    if (!v.bf16) {
        pt_store(v.at, lanes, n);
        return;
    }
    pt_store(room, lanes, PT_LANES);
    pt_values_narrow(room, n, v.at);
}

/* The same from value `at` on, eight at a time. */
PT_INLINE pt_eight pt_values_load_eight(pt_values v, ptrdiff_t at, size_t n)
{
    float room[PT_EIGHT] = {0};

    if (!v.bf16) return pt_load_eight((const float *)v.at + at, n);
    pt_values_widen((const uint16_t *)v.at + at, n, room);
    return pt_load_eight(room, PT_EIGHT);
}

PT_INLINE void pt_values_store_eight(pt_values v, ptrdiff_t at, pt_eight lanes, size_t n)
{
    float room[PT_EIGHT];

    if (!v.bf16) {
        pt_store_eight((float *)v.at + at, lanes, n);
        return;
    }
    pt_store_eight(room, lanes, PT_EIGHT);
    pt_values_narrow(room, n, (uint16_t *)v.at + at);
}

#endif
