/* Gathers every rank's results on rank 0. */
#ifndef PT_LAUNCH_SUPPORT_GATHER_TO_ROOT_H
#define PT_LAUNCH_SUPPORT_GATHER_TO_ROOT_H

#include <stddef.h>

/* Collective. mine: a buffer of the same size, bytes, on every rank. Rank 0 calls take
 * for the buffers of ranks 1, 2, ... in this order; rank: whose it is. A failure ends the
 * job. */
void pt_gather_to_root(void *mine, size_t bytes,
                       void (*take)(void *context, int rank, const void *theirs),
                       void *context);

#endif
