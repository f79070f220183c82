/* `ptrain bench update`: the optimizer's pass over memory beside a triad. */
#ifndef PT_LAUNCH_BENCH_UPDATE_H
#define PT_LAUNCH_BENCH_UPDATE_H

/* argv[0] is "update"; returns the exit code. */
int pt_bench_update(int argc, char **argv);

#endif
