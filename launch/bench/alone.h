/* A training step in one process, without messages. */
#ifndef PT_LAUNCH_BENCH_ALONE_H
#define PT_LAUNCH_BENCH_ALONE_H

#include "launch/bench/options.h"

/* Measures and prints: the worker's forward pass, losses, norms and backward pass over
 * all V shards, then the server's update of every key, spread over the same threads. */
PT_MUST_USE pt_status pt_bench_alone(const pt_bench_step_options *o);

#endif
