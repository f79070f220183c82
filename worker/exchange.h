/* Batch norm's sums over the shards of all workers, straight among the workers: carries
 * out the schedule of common/run/allreduce.h, one exchange at a time. One thread uses it.
 *
 * An exchange begins, goes on while its worker computes (pt_exchange_poll), and ends with
 * the value of all shards. Every worker that has images takes part in each exchange of a
 * step, in the same order. */
#ifndef PT_WORKER_EXCHANGE_H
#define PT_WORKER_EXCHANGE_H

#include "common/comm/comm.h"
#include "common/run/run.h"

typedef struct pt_exchange pt_exchange;

/* Borrows run and comm. worker: 0..n_workers-1. */
PT_MUST_USE pt_status pt_exchange_create(const pt_run *run, pt_comm *comm, int worker,
                                         pt_exchange **out);
void pt_exchange_destroy(pt_exchange **x);

/* Bytes that pt_exchange_create allocates for the lists of values. */
size_t pt_exchange_bytes(const pt_run *run);

/* The exchanges that follow are those of step. */
void pt_exchange_at(pt_exchange *x, uint64_t step);

/* Begins the exchange of batch norm `node`. parts: the values of this worker's cover
 * sub-trees that have images, [len] doubles each, one after another; copied. add merges
 * two values, with &len as its context. */
PT_MUST_USE pt_status pt_exchange_begin(pt_exchange *x, int node, bool backward,
                                        const double *parts, size_t len, pt_tree_add add);

/* Lets an exchange that is under way go on, without waiting. */
PT_MUST_USE pt_status pt_exchange_poll(pt_exchange *x);

/* Waits for the end. *total: the value of all shards, [len], borrowed until the next
 * exchange begins. */
PT_MUST_USE pt_status pt_exchange_end(pt_exchange *x, const double **total);

#endif
