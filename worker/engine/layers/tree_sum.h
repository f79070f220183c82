/* The sum of a sub-tree of shards from leaves that are computed when they are needed, so
 * that no more than one value per level exists at a time. */
#ifndef PT_WORKER_ENGINE_LAYERS_TREE_SUM_H
#define PT_WORKER_ENGINE_LAYERS_TREE_SUM_H

#include <stddef.h>

#include "common/run/shards.h"

/* Writes the value of shard `shard`, which has images, to out; out is overwritten. */
typedef void (*pt_leaf)(void *context, int shard, float *out);

/* out [n] = the sum over the sub-tree: left + right at each node; where one side has no
 * images the other passes unchanged. With span->bf16 leaves and sums are rounded. The
 * sub-tree must have images.
 *
 * tmp      [level of the sub-tree][n], overwritten
 *
 * Local; no allocation; cannot fail. */
void pt_tree_sum(const pt_span *span, pt_subtree tree, size_t n, pt_leaf leaf,
                 void *context, float *out, float *tmp);

/* Levels above the leaves of a tree over n_shards: how many tmp a sum needs at most. */
int pt_tree_levels(int n_shards);

#endif
