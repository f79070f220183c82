/* A scaling series as a picture. */
#ifndef PT_LAUNCH_SCALE_CHART_H
#define PT_LAUNCH_SCALE_CHART_H

#include "launch/scale/points.h"

/* Images per second over workers: measured, in proportion to the smallest job, and, where
 * it is known, what the bound allows; to path. n >= 1. */
PT_MUST_USE pt_status pt_scale_draw(const char *title, const pt_scale_point *points,
                                    size_t n, const char *path);

#endif
