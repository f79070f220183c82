/* `ptrain bench step`: a training step's time, and where it goes. */
#ifndef PT_LAUNCH_BENCH_STEP_H
#define PT_LAUNCH_BENCH_STEP_H

/* argv[0] is "step"; returns the exit code. */
int pt_bench_step(int argc, char **argv);

#endif
