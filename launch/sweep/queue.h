/* The runs of a sweep on this machine, one after another. */
#ifndef PT_LAUNCH_SWEEP_QUEUE_H
#define PT_LAUNCH_SWEEP_QUEUE_H

#include "launch/sweep/table.h"

/* Starts `ptrain train` for every run that is not done, each with its log beside its
 * directory; a line on standard output for each. A run that fails does not keep the
 * others from running. SIGTERM, SIGHUP, SIGUSR1 and SIGINT go to the run under way, which
 * stops with a checkpoint, and end the queue. workers: of each run, 0 = its own default.
 * Returns the exit code: 0, 1 where a run failed (they are listed), 75 where it was
 * stopped. */
int pt_sweep_run_all(pt_sweep *s, int workers);

#endif
