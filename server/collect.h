/* Rank 0 gets what the other servers own of a set of weights, to write it to a file. */
#ifndef PT_SERVER_COLLECT_H
#define PT_SERVER_COLLECT_H

#include "common/comm/comm.h"
#include "common/run/run.h"

/* Collective over the servers: afterwards rank 0's weights [n_param_floats], memory
 * layout, hold every server's keys. Nothing is sent where there is one server. */
PT_MUST_USE pt_status pt_collect(const pt_run *run, pt_comm *comm, float *weights);

#endif
