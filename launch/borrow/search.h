/* The nearest source images of each target image, found by all ranks together. The result
 * does not depend on their number. */
#ifndef PT_LAUNCH_BORROW_SEARCH_H
#define PT_LAUNCH_BORROW_SEARCH_H

#include "launch/support/image_set.h"
#include "worker/borrow/bank.h"
#include "worker/borrow/neighbours.h"

/* k [target->n]: how many neighbours of each, at most source->n. lists: out on rank 0,
 * NULL elsewhere: the targets' lists one after another, k[t] entries each, nearest first;
 * `image` is the place in source->images. Free it. Memory of a rank: 2 * n_maps * n_bins
 * numbers of 8 bytes for each target image, 576 kB a map, and the lists twice.
 * Collective; a failure is agreed. */
PT_MUST_USE pt_status pt_borrow_search(const pt_image_set *target,
                                       const pt_image_set *source, const size_t *k,
                                       const pt_bank *bank, int n_bins,
                                       pt_neighbour **lists);

#endif
