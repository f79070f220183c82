/* The keys that one server rank owns: their optimizer state, and their update rule. The
 * weights themselves are the run's flat array. Pure: no MPI. */
#ifndef PT_SERVER_STORE_H
#define PT_SERVER_STORE_H

#include "proto/record.pb-c.h"
#include "server/optimizer_state.h"

typedef struct pt_store pt_store;

/* Borrows run. The optimizer's state starts at 0 for the keys of server `rank`. */
PT_MUST_USE pt_status pt_store_create(pt_run *run, int rank, pt_store **out);
void pt_store_destroy(pt_store **s);

/* Moves key by its gradient [key count] of the batch-mean loss, with the record's rates.
 * PT_ERR_NUMERIC naming the tensor if a weight is not finite afterwards. */
PT_MUST_USE pt_status pt_store_update(pt_store *s, int key, const float *gradient,
                                      const Pt__Record__StepRecord *record);

/* The step's keys have moved, on every server: counts it for the tensors that are
 * trained.
 */
void pt_store_moved(pt_store *s);

/* Copies the state of this rank's keys, and the counts of all tensors, to their places in
 * *to, and back. */
void pt_store_save(const pt_store *s, const pt_optimizer_state *to);
void pt_store_restore(pt_store *s, const pt_optimizer_state *from);

/* Keys of this rank, in the order in which a backward pass finishes them. */
const int *pt_store_keys(const pt_store *s, int *n);

/* Bytes of the optimizer state. */
size_t pt_store_bytes(const pt_run *run, int rank);

#endif
