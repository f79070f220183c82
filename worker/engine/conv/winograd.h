/* 3x3 convolution with stride 1 by Winograd F(4x4,3x3): tiles of 4x4 output pixels from
 * 6x6 input pixels, 36 products of [tiles][c_in] and [c_in][c_out] instead of 144. Lavin
 * & Gray, Fast Algorithms for Convolutional Neural Networks (CVPR 2016), section 4.2. The
 * interpolation points are 0, 1, -1, 2, -2 and infinity.
 *
 * Rule of bits: every transform is a fixed expression of one tile, every product the
 * exact one (gemm.h). Arguments and layouts are those of conv.h. Internal to the engine.
 */
#ifndef PT_WORKER_ENGINE_CONV_WINOGRAD_H
#define PT_WORKER_ENGINE_CONV_WINOGRAD_H

#include "common/run/shards.h"
#include "worker/engine/conv/conv_shape.h"
#include "worker/engine/threads.h"
#include "worker/engine/values.h"

/* Does Winograd pay for this layer, and for the gradient of its weights (which needs more
 * tiles per shard to pay for the transforms)? By the shape alone. */
bool pt_winograd_fits(const pt_conv_shape *s);
bool pt_winograd_fits_weights(const pt_conv_shape *s);

void pt_winograd_forward(pt_threads *p, const pt_conv_shape *s, int n_images, pt_values x,
                         const float *w, const float *bias, bool relu, pt_values y,
                         float *scratch);

/* The same convolution of dy with turned filters. */
void pt_winograd_data(pt_threads *p, const pt_conv_shape *s, int n_images, pt_values dy,
                      const float *w, bool accumulate, pt_values mask, pt_values dx,
                      float *scratch);

/* The adjoint of the forward pass in w: transforms of x and dy are multiplied over the
 * tiles of a shard, and the result is transformed back to 3x3 for each shard. A chain
 * runs over 64 tiles of the shard's images; chains are added in order. */
void pt_winograd_weights(pt_threads *p, const pt_conv_shape *s, const pt_span *span,
                         pt_values x, pt_values dy, float *const *dw, float *scratch);

size_t pt_winograd_scratch(const pt_conv_shape *s, int n_threads);
size_t pt_winograd_weights_scratch(const pt_conv_shape *s, const pt_span *span,
                                   int n_threads);

#endif
