/* What a tree over the shards does at each inner node, for gradients. Pure.
 *
 * A module of its own, so that a simulation (launch/plan) can put the time that it takes
 * in its place. */
#ifndef PT_COMMON_RUN_SUM_H
#define PT_COMMON_RUN_SUM_H

#include <stddef.h>

/* into [n] += from [n], not overlapping; each element on its own. */
void pt_sum_add(float *restrict into, const float *restrict from, size_t n);

#endif
