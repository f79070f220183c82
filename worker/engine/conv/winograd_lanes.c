#include "worker/engine/conv/winograd_lanes.h"

const pt_winograd_lanes *pt_winograd_lanes_in_use(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) return &pt_winograd_sixteen;
#endif
    return &pt_winograd_eight;
}
