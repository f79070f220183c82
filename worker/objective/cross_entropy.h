/* Softmax cross-entropy of one image. Pure; exp and log are ours (common/base/pmath.h).
 */
#ifndef PT_WORKER_CROSS_ENTROPY_H
#define PT_WORKER_CROSS_ENTROPY_H

#include <stddef.h>

/* What the classes of an image should be: q = (1 - e) (s onehot(label) + (1 - s)
 * onehot(other)) + e / C, with s = share, e = smoothing (Szegedy et al., CVPR 2016;
 * mixup: Zhang et al., ICLR 2018); with weights, factor * weights[c] times that for class
 * c, whose sum need not be 1. */
typedef struct {
    int label, other;      /* in 0..n_classes-1 */
    double share;          /* in [0, 1]; 1: `other` is not looked at */
    double smoothing;      /* in [0, 1) */
    const double *weights; /* [n_classes]; NULL: all are 1, and so is the factor */
    double factor;
} pt_class_target;

static inline pt_class_target pt_class(int label)
{
    return (pt_class_target){label, label, 1, 0, NULL, 1};
}

/* logits [n_classes].
 *
 *     loss    = - sum of q log softmax(logits)
 *     dlogits = scale * (softmax(logits) * sum of q - q)
 *
 * scale    1/b turns the gradient of this image's loss into its part of the batch mean's
 * dlogits  [n_classes], NULL if not wanted
 * correct  how much of the image belongs to the class of the largest logit (the first of
 *          equals wins): 1 or 0 where share is 1
 * Returns the loss in nats. In double inside, rounded once. */
double pt_cross_entropy(const float *logits, int n_classes, pt_class_target target,
                        double scale, float *dlogits, double *correct);

/* softmax(logits) into p [n_classes]. */
void pt_softmax(const float *logits, int n_classes, double *p);

#endif
