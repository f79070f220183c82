/* Descriptors of an image's low-level appearance: histograms of the responses of a bank
 * of filters (Ge and Yu, "Borrowing Treasures from the Wealthy", CVPR 2017, section 3.1).
 *
 * A bank has maps, one per filter. Each response is given as one of FINE slices of the
 * map's range, in ascending order. Bins have equal mass over the responses of the
 * target's images, map by map: these are counted in slices first. Counts are whole
 * numbers, so the order in which ranks add them does not matter. */
#ifndef PT_WORKER_BANK_H
#define PT_WORKER_BANK_H

#include <stdint.h>

#include "common/base/status.h"
#include "worker/input/image.h"

enum { PT_BANK_FINE = 65536, PT_BANK_MAX_BINS = 256 };

/* Takes n responses of one map; slice [n] in 0..FINE - 1. */
typedef void pt_take_responses(void *context, int map, const uint16_t *slice, int n);

typedef struct {
    int n_maps;
    const double *weight; /* [n_maps]: how much a map's histogram counts; sum 1 */
    void *self;           /* also scratch: one thread at a time */

    /* All responses of an image, in parts; at most 65535 of a map. */
    pt_status (*respond)(void *self, const pt_image *im, pt_take_responses *take,
                         void *context);
} pt_bank;

/* Adds the image's responses to counts [n_maps][FINE]. Errors: those of respond. */
PT_MUST_USE pt_status pt_bank_count(const pt_bank *b, const pt_image *im,
                                    uint64_t *counts);

/* The bin 0..n_bins - 1 of every slice, bin_of [n_maps][FINE]: the share of the counts
 * below the slice, times n_bins, rounded down. n_bins 2 to PT_BANK_MAX_BINS. */
void pt_bank_bins(const uint64_t *counts, int n_maps, int n_bins, uint8_t *bin_of);

/* The image's descriptor: how many responses of each map fall into each bin, out
 * [n_maps][n_bins]. Errors: those of respond. */
PT_MUST_USE pt_status pt_bank_describe(const pt_bank *b, const pt_image *im,
                                       const uint8_t *bin_of, int n_bins, uint16_t *out);

#endif
