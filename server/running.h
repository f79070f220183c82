/* Running statistics of batch norm: they move once a step, on rank 0, from moments that
 * are merged along the tree over the shards. Pure. */
#ifndef PT_SERVER_RUNNING_H
#define PT_SERVER_RUNNING_H

#include "common/run/run.h"

/* Finishes each batch norm node's tree and moves its statistics in run->flat. payload
 * [n_workers]: of step, whose stage must be entered; used up. Cannot fail. */
void pt_running_update(pt_run *run, uint64_t step, double *const *payload);

#endif
