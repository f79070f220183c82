#ifndef PT_LAUNCH_BENCH_GEMM_H
#define PT_LAUNCH_BENCH_GEMM_H

/* `ptrain bench gemm`; returns the exit code. */
int pt_bench_gemm(int argc, char **argv);

#endif
