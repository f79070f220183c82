/* The runs of a sweep on this machine. */
#ifndef PT_LAUNCH_SWEEP_QUEUE_H
#define PT_LAUNCH_SWEEP_QUEUE_H

#include "launch/sweep/table.h"

enum { PT_SWEEP_MAX_JOBS = 64 };

typedef struct {
    int at_once; /* runs at the same time, 1..PT_SWEEP_MAX_JOBS */
    int workers; /* of each run; 0: as many as the configuration says, else cores /
                    at_once */
} pt_sweep_jobs;

/* Starts `ptrain train` for every run that is not done, each with its log beside its
 * directory; a line on standard output for each. A run that fails does not stop the
 * others. SIGTERM, SIGHUP, SIGUSR1 and SIGINT are forwarded to the active runs, which
 * stop with a checkpoint, and end the queue; so does a run that ends with 75 by itself.
 * Returns the exit code: 0, 1 where a run failed (they are listed), 75 where it was
 * stopped. */
int pt_sweep_run_all(pt_sweep *s, pt_sweep_jobs jobs);

/* The --workers that a run is given; 0: none. */
int pt_sweep_workers(const pt_sweep_run *r, const pt_sweep_jobs *jobs);

#endif
