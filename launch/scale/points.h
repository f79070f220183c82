/* What the jobs of a scaling series reached. Pure. */
#ifndef PT_LAUNCH_SCALE_POINTS_H
#define PT_LAUNCH_SCALE_POINTS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/status.h"

/* One finished job; NAN: its result.json does not say. */
typedef struct {
    int workers, servers, batch;
    double images_per_s;       /* NAN: too few steps to be timed */
    double exposed_s, bound_s; /* of a step */
    double accuracy;           /* of the test split, 0..1 */
    char hash[65];             /* of the weights */
} pt_scale_measured;

typedef struct {
    pt_scale_measured of;
    double speedup;    /* images per second, over the smallest job's */
    double efficiency; /* speedup over the ratio of workers, 0..1 */
    double step_s;     /* seconds of a step with a full batch */
    double of_bound;   /* the shortest step possible over step_s, 0..1; NAN: not known */
} pt_scale_point;

/* out [n] from jobs [n], n >= 1, the smallest job first. The shortest possible step of a
 * job is that of the smallest, its exposed communication taken off and the rest divided
 * among the workers, or bound_s, whichever is longer. */
void pt_scale_points(const pt_scale_measured *jobs, size_t n, pt_scale_point *out);

/* Jobs [n] of one strong series have the same weights; PT_ERR_BUG naming the first that
 * has others. */
PT_MUST_USE pt_status pt_scale_same_weights(const pt_scale_measured *jobs, size_t n);

#endif
