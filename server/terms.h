/* Rank 0's answers to workers after the step record, where methods couple the images of a
 * batch: terms of each worker's images (common/run/coupling.h). */
#ifndef PT_SERVER_TERMS_H
#define PT_SERVER_TERMS_H

#include "common/comm/comm.h"
#include "server/methods/methods.h"

typedef struct pt_terms_out pt_terms_out;

/* Borrows all. *out is NULL where no method of the run couples images. */
PT_MUST_USE pt_status pt_terms_out_create(const pt_run *run, pt_comm *comm,
                                          pt_server_methods *methods, pt_terms_out **out);
void pt_terms_out_destroy(pt_terms_out **t);

/* From the rows [b][row] of step's batch: *penalty is what the methods add to its loss;
 * the terms are being sent to the workers that have images. */
PT_MUST_USE pt_status pt_terms_out_send(pt_terms_out *t, uint64_t step,
                                        const double *rows, double *penalty);

/* Waits until the last ones have been sent; t may be NULL. */
PT_MUST_USE pt_status pt_terms_out_settle(pt_terms_out *t);

#endif
