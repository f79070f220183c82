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

#endif
