/* Gradients of a bias, of convolutions and linear layers. Internal to the engine. */
#ifndef PT_WORKER_ENGINE_LAYERS_BIAS_H
#define PT_WORKER_ENGINE_LAYERS_BIAS_H

#include <stddef.h>

#include "common/run/shards.h"
#include "worker/engine/threads.h"
#include "worker/engine/values.h"

/* db[t] [c_out] = the sum over cover sub-tree t of the span; not touched where it has no
 * images. A shard's sum is formed in double over its pixels in order, then the tree.
 *
 * dy       [images of the span][pixels][c_out]
 * scratch  pt_bias_scratch() floats, aligned to 64 bytes */
void pt_bias_gradient(pt_threads *p, const pt_span *span, size_t pixels, int c_out,
                      pt_values dy, float *const *db, float *scratch);
size_t pt_bias_scratch(int c_out, int n_shards);

#endif
