/* Rank 0's part of methods that couple the images of a batch: from the rows of all images
 * to the terms of each worker (common/run/coupling.h). Pure. */
#ifndef PT_SERVER_COUPLING_H
#define PT_SERVER_COUPLING_H

#include "common/run/coupling.h"
#include "common/base/status.h"

typedef struct pt_coupler pt_coupler;

/* Borrows run. *out is NULL where no method of the run couples images. */
PT_MUST_USE pt_status pt_coupler_create(const pt_run *run, pt_coupler **out);
void pt_coupler_destroy(pt_coupler **c);

/* Takes the rows [b][row] of a batch, in batch order; borrowed until the next call.
 * *penalty: what these methods add to the batch's loss. */
PT_MUST_USE pt_status pt_coupler_take(pt_coupler *c, uint64_t step, const double *rows,
                                      int b, double *penalty);

/* The weights have moved by this step's gradients: what follows them, follows. */
void pt_coupler_moved(pt_coupler *c);

/* State that the next step depends on, [*n] floats, for checkpoints; NULL: none. Written
 * to by a resume. */
float *pt_coupler_state(pt_coupler *c, size_t *n);

/* Floats of that state, of any run. */
size_t pt_method_floats(const pt_run *run);

/* Before the first step: features [n][dims] of the training images, and their labels. */
PT_MUST_USE pt_status pt_coupler_start(pt_coupler *c, const float *features,
                                       const int32_t *labels, size_t n);

/* Terms [pt_terms_doubles] for the images first..first+n-1. */
void pt_coupler_terms(const pt_coupler *c, int first, int n, double *out);

#endif
