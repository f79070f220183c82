/* How a convolution's work is cut for CBLAS. Everything follows from the layer's shape
 * alone: the cuts are part of a run's identity, because OpenBLAS' bits depend on the
 * shapes of its calls. */
#ifndef PT_WORKER_ENGINE_CONV_CONV_BLAS_PLAN_H
#define PT_WORKER_ENGINE_CONV_CONV_BLAS_PLAN_H

#include "worker/engine/conv/internal.h"
#include "worker/engine/conv/im2col.h"

/* Output rows cut into n_blocks of `rows` (the last may be smaller). */
typedef struct {
    int rows, n_blocks;
} pt_conv_blocks;

/* Rows of the weight matrix [kh * kw * c_in][c_out] cut into tiles: groups of kernel
 * positions, or groups of channels within each position. */
typedef struct {
    int taps, channels; /* of a tile; the last of a dimension may be smaller */
    int n_by_taps, n_by_channels;
    size_t max_floats; /* of a tile's part of the gradient */
} pt_conv_tiles;

/* Blocks of the forward pass. */
pt_conv_blocks pt_conv_blocks_of(const pt_conv_shape *s);

pt_conv_tiles pt_conv_tiles_of(const pt_conv_shape *s);
pt_taps pt_conv_tile(const pt_conv_shape *s, const pt_conv_tiles *p, int tile);

/* First row of the weight matrix that the tile covers, and how many. */
size_t pt_conv_tile_begin(const pt_conv_shape *s, const pt_taps *t);
size_t pt_conv_tile_rows(const pt_taps *t);

/* Output rows whose windows (of a tile) are made at a time for a weight gradient. */
pt_conv_blocks pt_conv_weight_blocks_of(const pt_conv_shape *s, const pt_conv_tiles *p);

/* conv_blas_weights.c: floats of scratch per thread. */
size_t pt_blas_weights_scratch(const pt_conv_shape *s, int n_shards);

#endif
