/* Lanes of sixteen. This file alone of its folder is compiled for AVX-512
 * (CMakeLists.txt). */
#include "common/gemm/lanes.h"
#include "worker/engine/conv/winograd_lanes.h"

#define LANE_FUNCTION static

#include "worker/engine/conv/winograd_transform.h"

const pt_winograd_lanes pt_winograd_sixteen = PT_WINOGRAD_LANES;
