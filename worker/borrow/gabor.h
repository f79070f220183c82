/* Gabor filters: bank A of Ge and Yu (CVPR 2017, section 3.1), 4 scales, 6 orientations,
 * real and imaginary parts.
 *
 * The image is made gray, (77 R + 150 G + 29 B) / 256, and 128 x 128. Scale s is the
 * image halved s times, by means of 2 x 2, under filters of one size: 11 x 11, a Gaussian
 * of sigma 2 times a wave of 4 pixels. The paper's sizes are unknown; these are ours.
 * Coefficients are whole numbers (of 1/1024) with sum 0, so that a response is exact and
 * the same on every machine, and an even gray gives 0. Only places where the filter lies
 * inside the image count. Slices cut the possible range into equal parts. */
#ifndef PT_WORKER_GABOR_H
#define PT_WORKER_GABOR_H

#include <stdint.h>

#include "worker/borrow/bank.h"

enum {
    PT_GABOR_SIDE = 128,
    PT_GABOR_SCALES = 4,
    PT_GABOR_ORIENTATIONS = 6,
    PT_GABOR_MAPS = 48, /* (scale * 6 + orientation) * 2, + 1: the imaginary part */
    PT_GABOR_WIDTH = 11
};

typedef struct pt_gabor pt_gabor;

PT_MUST_USE pt_status pt_gabor_create(pt_gabor **out);
void pt_gabor_destroy(pt_gabor **g);

/* A filter's coefficients [11][11], rows from the top; part: 0 real, 1 imaginary. */
const int32_t *pt_gabor_filter(const pt_gabor *g, int orientation, int part);

/* The bank, of equal weights, valid while g lives. respond may fail with PT_ERR_NOMEM. */
pt_bank pt_gabor_bank(pt_gabor *g);

#endif
