/* Writes the result of the search, for training and for people. */
#ifndef PT_LAUNCH_BORROW_PACKED_SET_H
#define PT_LAUNCH_BORROW_PACKED_SET_H

#include "launch/borrow/search.h"

/* The packed data set `path`: the source's images that are in any list, in the source's
 * order, with the labels and classes of the source; one split, "train"; as pairs the
 * lists, k [target->n] entries each, nearest first. *n: out, how many images. Local. */
PT_MUST_USE pt_status pt_packed_set_write(const char *path, const pt_image_set *target,
                                          const pt_image_set *source, const size_t *k,
                                          const pt_neighbour *lists, size_t *n);

/* The lists as text: a line `target image <TAB> source image <TAB> distance` for each
 * entry. Local. */
PT_MUST_USE pt_status pt_packed_set_list(const char *path, const pt_image_set *target,
                                         const pt_image_set *source, const size_t *k,
                                         const pt_neighbour *lists);

#endif
