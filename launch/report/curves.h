/* What runs recorded at each step (metrics.jsonl), as lines over the steps. */
#ifndef PT_LAUNCH_REPORT_CURVES_H
#define PT_LAUNCH_REPORT_CURVES_H

#include "launch/report/summary.h"

typedef enum {
    PT_CURVE_CE,
    PT_CURVE_ACCURACY,
    PT_CURVE_REP,
    PT_CURVE_W,
    PT_CURVE_RATIO_10,
    PT_CURVE_RATIO_50,
    PT_CURVE_RATIO_90,
    PT_CURVE_LR,
    PT_CURVES
} pt_curve;

enum { PT_CURVE_BINS = 160 };

/* Over the runs of a method: a value for each bin of steps, of which there are at most
 * PT_CURVE_BINS: mean, minimum and maximum over the runs of their means in the bin; NAN
 * if there are none. */
typedef struct {
    size_t n;
    double step[PT_CURVE_BINS]; /* the middle of the bin */
    double mean[PT_CURVES][PT_CURVE_BINS];
    double low[PT_CURVES][PT_CURVE_BINS], high[PT_CURVES][PT_CURVE_BINS];
} pt_curves;

/* Reads metrics.jsonl of every run. A run without one, or with lines that are not JSON
 * objects, is PT_ERR_DATA naming the file. */
PT_MUST_USE pt_status pt_curves_read(const pt_method_runs *m, pt_curves **out);

#endif
