/* A training step of a real job: one server and several workers under mpirun. */
#ifndef PT_LAUNCH_BENCH_JOB_H
#define PT_LAUNCH_BENCH_JOB_H

#include "launch/bench/options.h"

/* Starts mpirun with the same command line, or, where mpirun has started this process,
 * takes part as a rank; rank 0 prints. argv[0] is "step". Returns the exit code; reports
 * failures itself. */
int pt_bench_job(const pt_bench_step_options *o, int argc, char **argv);

#endif
