/* The distillation loss of LwF (Li and Hoiem, ECCV 2016, eq. 2 and 3; their program
 * vl_nnsoftmaxdiff), at the source head. */
#ifndef PT_WORKER_DISTILL_H
#define PT_WORKER_DISTILL_H

#include "worker/objective/method.h"

/* z and the row z0 of the run's responses at `place` [source classes]: logits of now and
 * of the start weights. With s = softmax(z / T) and q = softmax(z0 / T), which is
 * p0^(1/T) normalized,
 *
 *     loss = - sum of q log s,     g = weight / b * (s - q) / T
 *
 * (no factor T^2). weight * loss goes into image i's penalty. self: pt_distill_create's.
 */
void pt_distill_at(void *self, const pt_batch *b, int i, size_t place, double temperature,
                   double weight, const float *z, float *g);

/* Hooks: scratch for each image. */
PT_MUST_USE pt_status pt_distill_create(const pt_run *run, const pt_net_options *net,
                                        void **self);
void pt_distill_destroy(void *self);
size_t pt_distill_bytes(const pt_run *run, const pt_net_options *net);

#endif
