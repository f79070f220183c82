/* A server rank: gathers what the workers report of a step, decides the step record (rank
 * 0), finishes the trees over the shards, updates its keys and sends them. */
#ifndef PT_SERVER_SERVE_H
#define PT_SERVER_SERVE_H

#include "common/comm/comm.h"
#include "common/run/run.h"
#include "server/checkpoint/saver.h"
#include "server/hooks.h"

typedef struct pt_server pt_server;

/* Borrows all. rank: 0..n_servers-1. hooks: NULL but on rank 0. save: NULL = no
 * checkpoints, and the run cannot be stopped. */
PT_MUST_USE pt_status pt_server_create(pt_run *run, pt_comm *comm,
                                       const pt_test_sizes *tests,
                                       const pt_server_hooks *hooks,
                                       const pt_save_options *save, pt_server **out);
void pt_server_destroy(pt_server **s);

/* Before the run: resumes from a checkpoint. The run's weights, statistics, features,
 * first_step and test_owed are set by the caller, on every rank. */
void pt_server_restore(pt_server *s, const pt_state *state, const pt_progress *p);

/* Collective with the workers (pt_worker_run): the run from run->first_step on. *agreed
 * as there. PT_STOPPED: it was asked to stop, and a checkpoint was written. */
PT_MUST_USE pt_status pt_server_run(pt_server *s, bool *agreed);

/* Collective over the servers, after pt_server_run has returned PT_OK; why: whether rank 0
 * could write the results (PT_OK on the others). If it could not (PT_ERR_IO), they leave a
 * checkpoint of the end, if possible, so that a resumed run only has to write them. Returns
 * why, and rank 0's text mentions the checkpoint. */
PT_MUST_USE pt_status pt_server_keep_end(pt_server *s, pt_status why);

/* Does a save hang? If so, its thread uses what the server borrowed until the process
 * ends: none of it may be freed, including the server. */
bool pt_server_hangs(const pt_server *s);

/* Its costs so far; after the run, all of them. */
pt_server_costs pt_server_costs_of(const pt_server *s);

/* Bytes of the server's shared segment, where ranks share memory: the weights, which
 * pt_server_create moves there. */
size_t pt_server_lent_bytes(const pt_run *run);

/* Bytes that server `rank` needs besides weights: optimizer state, buffers of sums. */
size_t pt_server_bytes(const pt_run *run, int rank);

#endif
