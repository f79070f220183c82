/* What this machine's matrix products reach, with every kernel that it has. */
#ifndef PT_LAUNCH_BENCH_PEAK_H
#define PT_LAUNCH_BENCH_PEAK_H

#include "worker/engine/threads.h"

typedef struct {
    double gflops;   /* of all threads of the pool at once */
    char kernel[64]; /* "exact avx512", "OpenBLAS 0.3.21 SkylakeX" */
} pt_bench_peak;

/* The best of several products of 768 x 768 x 512 a thread by the exact kernels and by
 * CBLAS; about a second. The kernel in use is left unchanged. */
PT_MUST_USE pt_status pt_bench_measure_peak(pt_threads *pool, pt_bench_peak *out);

#endif
