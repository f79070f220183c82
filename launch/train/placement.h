/* Where the ranks of a job run: threads and cores, host by host. */
#ifndef PT_LAUNCH_TRAIN_PLACEMENT_H
#define PT_LAUNCH_TRAIN_PLACEMENT_H

#include "common/base/status.h"

typedef struct pt_placement pt_placement;

/* Collective, once the ranks have their last numbers (pt_job_reorder): ranks 0 to
 * n_servers - 1 are servers. threads: engine.threads; 0 is auto: every rank is placed by
 * common/run/placement.h and this thread, and those that it starts, bound to its cores.
 * A machine is one running kernel, however many hosts MPI takes it for. The same status
 * everywhere. */
PT_MUST_USE pt_status pt_placement_create(int threads, int n_servers, pt_placement **out);

/* Lets this thread use again what it could before. */
void pt_placement_destroy(pt_placement **p);

/* Threads of this worker; of a server, the most that a worker beside it has (or 1). */
int pt_placement_threads(const pt_placement *p);

/* On rank 0: a line for each kind of host, and a warning of the first whose workers have
 * more threads than CPUs; servers do not count: they sleep. */
void pt_placement_print(const pt_placement *p);

/* Collective, before pt_job_divide(n, ...): narrows what this thread may use to the share
 * of its machine that its job is to have. */
PT_MUST_USE pt_status pt_placement_divide(int n);

#endif
