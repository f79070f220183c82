/* What methods that couple the images of a batch exchange before the backward pass: each
 * image's row goes to rank 0 with the payload, terms for the images of a worker come back
 * after the step record. Pure.
 *
 * A row, where the parts are wanted: label (1 double); class probabilities (C), for
 * pairwise confusion; the representation (D), for spectral shrinkage and AdaRand.
 *
 * Terms for n images, likewise: n times label and probabilities of its partner (a label
 * of -1: it has none); n times its class's target (D), AdaRand; k times one factor an
 * image and a direction (n + D), shrinkage: the gradient of the sum of squared singular
 * values is 2 * factor * direction. */
#ifndef PT_COMMON_RUN_COUPLING_H
#define PT_COMMON_RUN_COUPLING_H

#include <stdbool.h>

#include "common/run/run.h"

typedef struct {
    bool confusion, shrinkage, adarand;
    int classes, dims, k;
    size_t row, rep_at; /* doubles; where the representation begins */
} pt_coupling;

pt_coupling pt_coupling_of(const pt_run *r);

/* Where a worker's terms for n images are, in doubles; total 0 for no images. */
typedef struct {
    size_t confusion, adarand, shrinkage, total;
} pt_terms;

pt_terms pt_terms_layout(const pt_coupling *k, int n_images);

/* Their total. */
size_t pt_terms_doubles(const pt_run *r, int n_images);

/* The partner of position i of a batch of b images, or -1: an odd last one has none
 * (halves of the batch; Dubey et al.'s program). */
int pt_coupling_partner(int b, int i);

#endif
