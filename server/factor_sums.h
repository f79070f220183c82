/* Gradients that a server forms from the factors which workers send
 * (common/run/factors.h). The factors of all images of a step lie in the order of the
 * batch, so that the sums of several workers are formed in one pass. */
#ifndef PT_SERVER_FACTOR_SUMS_H
#define PT_SERVER_FACTOR_SUMS_H

#include "common/comm/comm.h"
#include "common/run/run.h"

typedef struct pt_factor_sums pt_factor_sums;

/* Of the keys of comm's rank. Borrows all. */
PT_MUST_USE pt_status pt_factor_sums_create(const pt_run *run, pt_comm *comm,
                                            pt_factor_sums **out);
void pt_factor_sums_destroy(pt_factor_sums **f);

/* Do factors of tensor come from some workers? */
bool pt_factor_sums_has(const pt_factor_sums *f, int tensor);

/* A step begins. */
void pt_factor_sums_enter(pt_factor_sums *f, uint64_t step);

/* Is about to form sums of tensor in this step: posts the receives, unless they are. A
 * tensor of which no factors come is no error: nothing is to be done. */
PT_MUST_USE pt_status pt_factor_sums_expect(pt_factor_sums *f, int tensor);

/* Waits for tensor's factors. */
PT_MUST_USE pt_status pt_factor_sums_wait(pt_factor_sums *f, int tensor);

/* The sum of key over a sub-tree whose images all came as factors, into out [count]. */
void pt_factor_sums_form(const pt_factor_sums *f, int key, pt_subtree t, float *out);

/* Of server `rank`. */
size_t pt_factor_sums_bytes(const pt_run *run, int rank);

#endif
