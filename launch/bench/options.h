/* What the command lines of `ptrain bench` share, and that of `ptrain bench step`. */
#ifndef PT_LAUNCH_BENCH_OPTIONS_H
#define PT_LAUNCH_BENCH_OPTIONS_H

#include <stdbool.h>

#include "launch/support/args.h"
#include "worker/engine/gemm/kernel.h"

#define PT_BENCH_JSON(to) PT_ARG_FLAG("json", to, "Print one line of JSON")

/* What a training step is measured on. */
typedef struct {
    const char *network; /* as pt_synthetic_graph */
    int batch, shards;    /* B >= V; V a power of two */
    int threads, workers; /* workers 0: one process, no messages */
    int steps, warmup;    /* measured, and done before */
    pt_kernels kernels;
    bool copies; /* ranks do not share memory */
    bool json;
} pt_bench_step_options;

/* argv[0] is "step". As pt_args_read. */
PT_MUST_USE bool pt_bench_read_step(int argc, char **argv, pt_bench_step_options *o,
                                    int *code);

#endif
