/* A training run without data: configuration, network and synthetic images, the same on
 * every rank from the options alone. */
#ifndef PT_LAUNCH_BENCH_WORKLOAD_H
#define PT_LAUNCH_BENCH_WORKLOAD_H

#include <stdint.h>

#include "common/run/run.h"
#include "launch/bench/options.h"
#include "worker/source.h"

/* A run of `steps` steps of plain synchronous training with PtR (sml1, gate open from the
 * start), seeded initial weights, momentum and weight decay. n_workers as in pt_run.
 * PT_ERR_CONFIG for an unknown network. */
PT_MUST_USE pt_status pt_bench_run_create(const pt_bench_step_options *o, int n_workers,
                                          int steps, pt_run **out);

/* The images of one worker: N(0, 1) pixels and uniform labels, fixed by their positions
 * in the global batch; every step gets the same ones. */
typedef struct {
    float *pixels;   /* [images][side][side][3] */
    int32_t *labels; /* [images] */
} pt_bench_images;

PT_MUST_USE pt_status pt_bench_images_init(const pt_run *r, int worker,
                                           pt_bench_images *out);
void pt_bench_images_fini(pt_bench_images *i);

/* Borrows images; it cannot test. */
pt_source pt_bench_source(pt_bench_images *images);

#endif
