/* The runs of a sweep in one job: its ranks divide into groups, one run each at a time.
 */
#ifndef PT_LAUNCH_SWEEP_IN_JOB_H
#define PT_LAUNCH_SWEEP_IN_JOB_H

#include "launch/sweep/table.h"

/* Trains the configuration at this path with the ranks of a group; agreed. */
typedef pt_status (*pt_sweep_train)(void *context, const char *config);

/* Collective over all ranks of the job, each with the same s: divides them into at_once
 * groups (0: one for each run that is not done, of two ranks or more), deals the runs out
 * to the groups in turn, and unites the ranks again. The first rank of a group keeps the
 * log of its runs beside their directories, and prints a line for each. A run that fails
 * does not stop the others; one that is asked to stop writes a checkpoint and is its
 * group's last. PT_ERR_USAGE where the ranks do not suffice; PT_STOPPED where runs were
 * stopped, PT_ERR_DATA where some failed (they are named). The status is agreed. */
PT_MUST_USE pt_status pt_sweep_run_in_job(pt_sweep *s, int at_once, pt_sweep_train train,
                                          void *context);

#endif
