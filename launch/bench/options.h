/* Command lines of `ptrain bench`. */
#ifndef PT_LAUNCH_BENCH_OPTIONS_H
#define PT_LAUNCH_BENCH_OPTIONS_H

#include <stdbool.h>

#include "common/base/status.h"
#include "worker/engine/gemm/kernel.h"

/* One option --name: exactly one of the pointers is set. */
typedef struct {
    const char *name;
    int *number; /* takes a number in least..most */
    int least, most;
    const char **text; /* takes any text */
    bool *flag;        /* takes nothing */
} pt_bench_option;

enum { PT_BENCH_MAX_OPTIONS = 16 };

/* Fills what the table [n] points at from argv (argv[0] is the benchmark's name).
 * PT_ERR_USAGE naming the first fault. */
PT_MUST_USE pt_status pt_bench_read_options(const pt_bench_option *table, int n, int argc,
                                            char **argv);

/* What a training step is measured on. */
typedef struct {
    const char *network;
    int batch, shards;    /* B >= V; V a power of two */
    int threads, workers; /* workers 0: one process, no messages */
    int steps, warmup;    /* measured, and done before */
    pt_kernels kernels;
    bool json, help;
} pt_bench_step_options;

/* argv[0] is "step". Values not given are the defaults that --help names. */
PT_MUST_USE pt_status pt_bench_read_step(int argc, char **argv, pt_bench_step_options *o);

#endif
