/* Gradients of the step's keys are held until every server has all of its own: to skip a
 * step whose gradient is not finite (run.nonfinite: skip_all), and to clip the gradient
 * by its norm (optimizer.clip_norm). No key of any server moves before. */
#ifndef PT_SERVER_VOTES_H
#define PT_SERVER_VOTES_H

#include "common/comm/comm.h"
#include "common/run/run.h"

typedef struct pt_votes pt_votes;

/* What the servers have found together, the same on each. */
typedef struct {
    int bad;     /* a key whose gradient is not finite; -1: none is */
    double norm; /* optimizer.clip_norm: of the whole gradient; else 0 */
} pt_verdict;

/* Borrows both. *out is NULL where the run does not hold gradients. */
PT_MUST_USE pt_status pt_votes_create(const pt_run *run, pt_comm *comm, pt_votes **out);
void pt_votes_destroy(pt_votes **v);

/* A step begins: nothing is held. */
void pt_votes_begin(pt_votes *v);

/* Keeps the gradient of a key, as pt_gather_keys calls it; context: a pt_votes. */
PT_MUST_USE pt_status pt_votes_hold(void *context, int key, const float *gradient);

/* Once all keys of this server are held. The norm is a tree over the keys, which the
 * graph alone cuts: any number of servers finds the same bits. Collective on the servers.
 */
PT_MUST_USE pt_status pt_votes_count(pt_votes *v, pt_verdict *out);

/* The gradient of a key that is held, clipped by the norm that was counted. Once a key
 * and step. */
const float *pt_votes_gradient(pt_votes *v, int key);

/* Seconds that weights waited for votes so far; v may be NULL. */
double pt_votes_seconds(const pt_votes *v);

/* Memory of the gradients. */
size_t pt_votes_bytes(const pt_run *run);

#endif
