/* A model on the images of a packed data set, by all ranks of a job. */
#ifndef PT_LAUNCH_EVALUATE_RANKS_H
#define PT_LAUNCH_EVALUATE_RANKS_H

#include "launch/evaluate/evaluate.h"

/* Collective: pt_evaluate_model, whose arguments are the same on every rank, except that
 * threads and poll are chosen here. Each rank looks at whole blocks of it, so that rank
 * 0's logits [n][classes] have the bits of one process; not set, and may be NULL,
 * elsewhere. A failure is agreed. */
PT_MUST_USE pt_status pt_evaluate_on_ranks(const pt_classifier *m, const pt_dataset *d,
                                           const uint32_t *images, size_t n,
                                           pt_views views, float *logits);

/* The images [first, first + n) of n_images that `rank` of `size` looks at: whole blocks,
 * as many as any other rank, or one less. Pure. */
void pt_evaluate_part(size_t n_images, int rank, int size, size_t *first, size_t *n);

#endif
