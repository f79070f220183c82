/* Weight gradients in tiles: for each tile of dw the gradients of the shards (leaves) and
 * their tree. Which thread computes a tile or a leaf changes no bit. Internal. */
#ifndef PT_WORKER_ENGINE_CONV_LEAVES_H
#define PT_WORKER_ENGINE_CONV_LEAVES_H

#include <stddef.h>

#include "common/run/shards.h"
#include "worker/engine/threads.h"

typedef struct {
    const void *layer; /* given to the functions */
    int n_tiles;
    size_t max_floats;   /* of a tile, dense */
    size_t leaf_scratch; /* floats that a leaf needs; a multiple of 16 */

    size_t (*floats)(const void *layer, int tile);

    /* out [floats] = the gradient over images begin .. end - 1 of the span, begin < end.
     */
    void (*leaf)(const void *layer, int tile, size_t begin, size_t end, float *scratch,
                 float *out);

    /* Copies a tile's sum to its place in dw. */
    void (*put)(const void *layer, int tile, const float *sum, float *dw);
} pt_leaves;

/* dw[t] = sums over cover sub-tree t of the span; not touched where it has no images.
 * Layers with few tiles keep every shard's gradient, so that threads divide the work by
 * shard. */
void pt_leaves_run(pt_threads *p, const pt_leaves *l, const pt_span *span,
                   float *const *dw, float *scratch);
size_t pt_leaves_scratch(const pt_leaves *l, const pt_span *span, int n_threads);

/* The minimum number of tiles for a gradient of this many floats. */
int pt_leaves_tiles(size_t floats, const pt_span *span, int n_threads);

#endif
