/* Descriptors of an image's low-level look: histograms of Gabor responses (Ge and Yu,
 * "Borrowing Treasures from the Wealthy", CVPR 2017, section 3.1; their filter bank A: 4
 * scales, 6 orientations, real and imaginary parts).
 *
 * The image is made gray (77 R + 150 G + 29 B) / 256, 128 x 128. A scale is the image
 * halved so often, by means of 2 x 2, under filters of one size: 11 x 11, a Gaussian of
 * sigma 2 times a wave of 4 pixels. The paper's sizes are not known; these are ours.
 * Coefficients are whole numbers (of 1/1024) with sum 0, so that a response is exact and
 * the same on every machine, and an even gray gives 0. Only places where the filter lies
 * inside the image count.
 *
 * Bins have equal mass over the responses of the target's images, map by map: these are
 * first counted in PT_GABOR_FINE slices of the possible range. Counts are whole numbers:
 * who adds them in which order does not matter. */
#ifndef PT_WORKER_GABOR_H
#define PT_WORKER_GABOR_H

#include <stdint.h>

#include "common/status.h"
#include "worker/input/jpeg.h"

enum {
    PT_GABOR_SIDE = 128,
    PT_GABOR_SCALES = 4,
    PT_GABOR_ORIENTATIONS = 6,
    PT_GABOR_MAPS = 48, /* (scale * 6 + orientation) * 2, + 1: the imaginary part */
    PT_GABOR_WIDTH = 11,
    PT_GABOR_FINE = 65536,
    PT_GABOR_MAX_BINS = 256
};

typedef struct pt_gabor pt_gabor;

PT_MUST_USE pt_status pt_gabor_create(pt_gabor **out);
void pt_gabor_destroy(pt_gabor **g);

/* A filter's coefficients [11][11], rows from the top; part: 0 real, 1 imaginary. */
const int32_t *pt_gabor_filter(const pt_gabor *g, int orientation, int part);

/* Adds the image's responses to counts [MAPS][FINE]. g is working memory too: one thread
 * at a time. PT_ERR_NOMEM. */
PT_MUST_USE pt_status pt_gabor_count(pt_gabor *g, const pt_image *im, uint64_t *counts);

/* The bin 0..n_bins - 1 of every slice, bin_of [MAPS][FINE]: the share of the counts
 * below the slice, times n_bins, rounded down. n_bins 2 to PT_GABOR_MAX_BINS. */
void pt_gabor_bins(const uint64_t *counts, int n_bins, uint8_t *bin_of);

/* The image's descriptor: how many responses of each map fall into each bin, out
 * [MAPS][n_bins]. PT_ERR_NOMEM. */
PT_MUST_USE pt_status pt_gabor_describe(pt_gabor *g, const pt_image *im,
                                        const uint8_t *bin_of, int n_bins, uint16_t *out);

#endif
