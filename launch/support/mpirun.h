/* Starting a job of our own: `ptrain train FILE` without mpirun. */
#ifndef PT_LAUNCH_SUPPORT_MPIRUN_H
#define PT_LAUNCH_SUPPORT_MPIRUN_H

#include <stdbool.h>

#include "common/base/status.h"

/* Runs `mpirun -n ranks ptrain argv...`, passes its output on and returns the exit code:
 * 0, 2, 75, and 1 for all the rest. If the job fails without an `error:` line of its own
 * (killed for memory, no mpirun) one is printed (launch/support/ending.h), after mpirun's
 * own output. Output that cannot be written is a failure; a closed standard output asks
 * the job to stop.
 *
 * stops: the ranks are `ptrain train`. SIGTERM, SIGHUP, SIGUSR1 and the first SIGINT then
 * stop the run with a checkpoint (code 75), however early they arrive; a second SIGINT
 * ends it at once. Else they end the job. */
int pt_mpirun(int ranks, bool stops, int argc, char **argv);

/* Runs work(context) on every rank and returns the exit code: here under a launcher, else
 * in a job that mpirun starts with the same command line and `ranks` ranks (0: one per
 * core). work is collective, its status agreed. */
int pt_as_job(int argc, char **argv, int ranks, pt_status (*work)(const void *context),
              const void *context);

#endif
