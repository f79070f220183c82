/* Starting a job of our own: `ptrain train FILE` without mpirun. */
#ifndef PT_LAUNCH_MPIRUN_H
#define PT_LAUNCH_MPIRUN_H

#include <stdbool.h>

/* Was this process started by mpirun, srun --mpi=pmix or another launcher? */
bool pt_under_launcher(void);

/* Runs `mpirun -n ranks ptrain argv...`, passes its output on and returns its exit code.
 * Where the job fails without an `error:` line of its own (killed for memory, no mpirun)
 * one is written. SIGTERM, SIGHUP, SIGUSR1 and the first SIGINT stop the run with a
 * checkpoint (code 75), a second SIGINT ends it at once. */
int pt_mpirun(int ranks, int argc, char **argv);

#endif
