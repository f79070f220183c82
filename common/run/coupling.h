/* What methods that couple the images of a batch exchange before the backward pass: each
 * image's row goes to rank 0 with the payload, terms for the images of a worker come back
 * after the step record. Pure.
 *
 * A row, where a method asks for the part (PT_SENDS_): label (1 double), class
 * probabilities (C), representation (D).
 *
 * Terms for n images: those of each method, one after another, in the table's order and
 * of the size that it states. What they are is between the method's two sides. */
#ifndef PT_COMMON_RUN_COUPLING_H
#define PT_COMMON_RUN_COUPLING_H

#include "common/run/run.h"

/* Where the parts of a row begin, in doubles; total: its length, 0: no row is sent. */
typedef struct {
    size_t label, probabilities, rep, total;
} pt_row;

pt_row pt_row_layout(const pt_run *r);

/* Where the terms of each method begin, for n images of a worker; no images, no terms. */
typedef struct {
    size_t at[PT_N_METHODS], total;
} pt_terms;

pt_terms pt_terms_layout(const pt_run *r, int n_images);

/* Their total. */
size_t pt_terms_doubles(const pt_run *r, int n_images);

#endif
