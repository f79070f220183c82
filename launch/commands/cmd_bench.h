/* `ptrain bench`: measurements of this machine and of what runs on it. */
#ifndef PT_LAUNCH_COMMANDS_CMD_BENCH_H
#define PT_LAUNCH_COMMANDS_CMD_BENCH_H

/* argv[0] is "bench", argv[1] the benchmark's name; returns the exit code. */
int pt_cmd_bench(int argc, char **argv);

#endif
