/* The keys of a step that a server owns: gathered, moved, and sent to every worker. */
#ifndef PT_SERVER_UPDATE_H
#define PT_SERVER_UPDATE_H

#include "common/comm/comm.h"
#include "server/gather.h"
#include "server/store.h"
#include "server/votes.h"

typedef struct pt_update pt_update;

/* Borrows all. */
PT_MUST_USE pt_status pt_update_create(pt_run *run, pt_comm *comm, pt_store *store,
                                       pt_gather *gather, pt_update **out);
void pt_update_destroy(pt_update **u);

/* The run has entered another stage: lists the keys that are trained in it. */
void pt_update_enter_stage(pt_update *u);

/* A step: each key moves and leaves as soon as its gradient is complete. */
PT_MUST_USE pt_status pt_update_keys(pt_update *u, const Pt__Record__StepRecord *r);

/* The same in two halves: first all gradients into `votes`, and the vote, then new
 * weights, or, where the step is not to count, the old ones. */
PT_MUST_USE pt_status pt_update_hold(pt_update *u, uint64_t step, pt_votes *votes,
                                     pt_verdict *out);
PT_MUST_USE pt_status pt_update_release(pt_update *u, const Pt__Record__StepRecord *r,
                                        pt_votes *votes, bool apply);

/* Sends weights [n_param_floats], of all keys of this server, to every worker: of a test
 * with them (PT_ASKS_SECOND), and back. Borrowed until they have left. */
PT_MUST_USE pt_status pt_update_send(pt_update *u, const float *weights);

/* Waits until all weights that were sent have left. */
PT_MUST_USE pt_status pt_update_settle(pt_update *u);

/* Seconds of CPU time of the optimizer so far. */
double pt_update_seconds(const pt_update *u);

#endif
