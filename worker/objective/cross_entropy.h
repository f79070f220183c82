/* Softmax cross-entropy of one image. Pure; exp and log are ours (common/pmath.h). */
#ifndef PT_WORKER_CROSS_ENTROPY_H
#define PT_WORKER_CROSS_ENTROPY_H

#include <stdbool.h>

/* logits [n_classes], label in 0..n_classes-1.
 *
 *     dlogits = scale * (softmax(logits) - onehot(label))
 *
 * scale    1/b turns the gradient of this image's loss into its part of the batch mean's
 * dlogits  [n_classes], NULL if not wanted
 * correct  the largest logit is the label's (the first of equals wins)
 * Returns the loss in nats. In double inside, rounded once. */
double pt_cross_entropy(const float *logits, int n_classes, int label, double scale,
                        float *dlogits, bool *correct);

/* softmax(logits) into p [n_classes]. */
void pt_softmax(const float *logits, int n_classes, double *p);

#endif
