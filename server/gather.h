/* Receives the sub-tree sums of keys from all senders and finishes each key's tree. A few
 * keys are gathered at a time, in the order in which they are expected, so that memory
 * stays bounded for any number of workers. */
#ifndef PT_SERVER_GATHER_H
#define PT_SERVER_GATHER_H

#include "common/comm/comm.h"
#include "common/run/run.h"

typedef struct pt_gather pt_gather;

PT_MUST_USE pt_status pt_gather_create(pt_run *run, pt_comm *comm, pt_gather **out);
void pt_gather_destroy(pt_gather **g);

/* Where run->lends, the workers of this host lend the sums of a key, from their push
 * until the server sends them the key's new weights.
 *
 * For keys [n] in this order, roughly that in which they are pushed: receives the sums
 * of step from every sender (common/run/hosts.h) and calls done(context, key, gradient
 * [count]) when a key's sums are complete. gradient is borrowed for the call. Keys are
 * finished in this order as well, so that a waiting server tests one message and not all
 * that it expects. */
PT_MUST_USE pt_status pt_gather_keys(pt_gather *g, uint64_t step, const int *keys, int n,
                                     pt_status (*done)(void *context, int key,
                                                       const float *gradient),
                                     void *context);

/* CPU time spent on sums so far, in seconds. */
double pt_gather_seconds(const pt_gather *g);

/* Of server `rank`. */
size_t pt_gather_bytes(const pt_run *run, int rank);

#endif
