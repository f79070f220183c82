/* What every benchmark needs. */
#ifndef PT_LAUNCH_BENCH_MEASURE_H
#define PT_LAUNCH_BENCH_MEASURE_H

#include <jansson.h>
#include <stdint.h>

#include "common/base/status.h"

/* The median of x [n], which is sorted. */
double pt_bench_median(double *x, int n);

/* The largest resident size that this process has had, in bytes. */
uint64_t pt_bench_peak_rss(void);

/* Takes j (NULL: it could not be made) and prints it as one line. */
PT_MUST_USE pt_status pt_bench_print_json(json_t *j);

#endif
