/* Pairwise Confusion (Dubey et al., ECCV 2018): the class probabilities of two images are
 * drawn together. Pure. */
#ifndef PT_WORKER_CONFUSION_H
#define PT_WORKER_CONFUSION_H

#include <stdbool.h>

/* Adds to g [n_classes] scale times the gradient, with respect to this image's logits, of
 * the distance |p - q| (its square with `squared`), p [n_classes] this image's softmax, q
 * the partner's. At p = q the distance has no gradient: nothing is added. */
void pt_confusion_add(const double *p, const double *q, int n_classes, bool squared,
                      double scale, float *g);

#endif
