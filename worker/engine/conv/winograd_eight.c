/* Lanes of eight, for AVX2 and all others. */
#include "common/gemm/lanes.h"
#include "worker/engine/conv/winograd_lanes.h"

#define LANE_FUNCTION PT_CLONES_256 static

#include "worker/engine/conv/winograd_transform.h"

const pt_winograd_lanes pt_winograd_eight = PT_WINOGRAD_LANES;
