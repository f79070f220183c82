/* How many neighbours a target image gets (Ge and Yu, CVPR 2017, section 3.3): after each
 * round of training, 4 K more if it is misclassified, 2 K more if it is right but of high
 * entropy, none otherwise.
 *
 * The threshold for "high" is not published: here the entropy of the softmax, in units of
 * ln(classes), is above PT_BORROW_UNSURE. */
#ifndef PT_LAUNCH_BORROW_COUNTS_H
#define PT_LAUNCH_BORROW_COUNTS_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/status.h"

#define PT_BORROW_UNSURE 0.1

typedef struct {
    size_t wrong, unsure, easy;
} pt_hardness;

/* 0, 2 or 4, of one row of logits [n]. */
int pt_counts_more(const float *logits, int n, int label);

/* Adds to k [n], the number for images [n], what follows from the file, a run's
 * train_predictions.h5, which must hold these images, in any order. base: K. h: out, how
 * many of each kind. PT_ERR_DATA naming the file. Local. */
PT_MUST_USE pt_status pt_counts_add(const char *file, const uint32_t *images, size_t n,
                                    size_t base, size_t *k, pt_hardness *h);

#endif
