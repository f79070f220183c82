/* What the methods that mix a step's images share: the batch's images with those in
 * reverse order, in one proportion for the whole batch. */
#ifndef PT_WORKER_MIXING_H
#define PT_WORKER_MIXING_H

#include "worker/objective/method.h"

/* Is this step's batch for `method` to mix? Where several of a run mix (PT_ASKS_MIRROR),
 * one of them does in each step, equally likely, as torchvision's RandomChoice: stream
 * (seed, PT_RNG_SHARE, step, 2). */
bool pt_mixing_is_turn(const pt_batch *b, pt_method_id method);

/* The share of the image itself, from Beta(alpha, alpha), alpha in (0, 1]: by Johnk's
 * method (1964), at alpha 1 a uniform number. Stream (seed, PT_RNG_SHARE, step, 0). */
double pt_mixing_share(const pt_batch *b, double alpha);

/* Their state, hooks (worker/objective/method.h), and the floats of n images. */
typedef struct {
    double share; /* of the image itself, in this step; 1: nothing is mixed */
    float *mixed; /* [max_images][input] */
} pt_mixing;

PT_MUST_USE pt_status pt_mixing_create(const pt_run *run, const pt_net_options *net,
                                       void **self);
void pt_mixing_destroy(void *self);
size_t pt_mixing_bytes(const pt_run *run, const pt_net_options *net);
void pt_mixing_classes(void *self, const pt_batch *b, int i, pt_class_target *t);
size_t pt_mixing_floats(const pt_run *run, int n);

#endif
