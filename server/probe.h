/* Rank 0's side of a diagnostic backward pass (run.gradient_ratio_every). */
#ifndef PT_SERVER_PROBE_H
#define PT_SERVER_PROBE_H

#include "common/comm/comm.h"
#include "common/run/run.h"

/* Receives the sums of one whole tensor (which: 0 or 1) from every worker, each of which
 * sends its own; *norm: of their sum. */
PT_MUST_USE pt_status pt_probe_take(pt_run *run, pt_comm *comm, uint64_t step, int tensor,
                                    int which, double *norm);

#endif
