#ifndef PT_LAUNCH_BENCH_INPUT_H
#define PT_LAUNCH_BENCH_INPUT_H

/* `ptrain bench input`; returns the exit code. */
int pt_bench_input(int argc, char **argv);

#endif
