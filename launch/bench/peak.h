/* What this machine's matrix products reach, with every kernel that it has, in fp32 and
 * with operands in bf16. */
#ifndef PT_LAUNCH_BENCH_PEAK_H
#define PT_LAUNCH_BENCH_PEAK_H

#include "launch/bench/kinds.h"
#include "worker/engine/threads.h"

typedef struct {
    double gflops;   /* of all threads of the pool at once; 0: not measured */
    char kernel[64]; /* "exact avx512", "OpenBLAS 0.3.21 SkylakeX" */
} pt_bench_rate;

typedef struct {
    pt_bench_rate fp32, bf16;
} pt_bench_peak;

/* The best of several products of 768 x 768 x 512 a thread by the exact kernels and by
 * CBLAS, and where bf16 is set by those for operands in bf16; about a second each. The
 * kernels in use are left unchanged. */
PT_MUST_USE pt_status pt_bench_measure_peak(pt_threads *pool, bool bf16,
                                            pt_bench_peak *out);

/* Seconds that the work, in GFLOP, takes at the peak. */
double pt_bench_at_peak(const pt_bench_peak *p, pt_bench_work gflop);

#endif
