/* run.nonfinite: skip_all. Gradients of the step's keys are held until every server has
 * voted: if one of them is not finite, no key of any server moves. */
#ifndef PT_SERVER_VOTES_H
#define PT_SERVER_VOTES_H

#include "common/comm/comm.h"
#include "common/run/run.h"

typedef struct pt_votes pt_votes;

/* Borrows both. *out is NULL where the run does not vote. */
PT_MUST_USE pt_status pt_votes_create(const pt_run *run, pt_comm *comm, pt_votes **out);
void pt_votes_destroy(pt_votes **v);

/* A step begins: nothing is held. */
void pt_votes_begin(pt_votes *v);

/* Keeps the gradient of a key, as pt_gather_keys calls it; context: a pt_votes. */
PT_MUST_USE pt_status pt_votes_hold(void *context, int key, const float *gradient);

/* Once all keys of this server are held. *bad: a key whose gradient is not finite, the
 * same on every server, or -1. Collective on the servers. */
PT_MUST_USE pt_status pt_votes_count(pt_votes *v, int32_t *bad);

/* The gradient of a key that is held. */
const float *pt_votes_gradient(const pt_votes *v, int key);

/* Seconds that weights waited for votes so far; v may be NULL. */
double pt_votes_seconds(const pt_votes *v);

/* Memory of the gradients. */
size_t pt_votes_bytes(const pt_run *run);

#endif
