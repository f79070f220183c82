/* Convolution with any kernel, stride and padding.
 *
 * Layouts: activations NHWC, floats or with a kernel for bf16 also bfloat16 (values.h),
 * the images of one worker contiguous ([n_images][h][w][c]); weights
 * [kh][kw][c_in][c_out]; bias [c_out].
 *
 * Rule of bits: results depend on the layer, its method and the values, never on the
 * span, the number of images or threads. Local; no allocation; cannot fail. Buffers do
 * not overlap. */
#ifndef PT_WORKER_ENGINE_CONV_CONV_H
#define PT_WORKER_ENGINE_CONV_CONV_H

#include <stdbool.h>
#include <stddef.h>

#include "common/run/shards.h"
#include "worker/engine/conv/conv_shape.h"
#include "worker/engine/threads.h"
#include "worker/engine/values.h"

/* Floats of scratch that any of the three passes needs with spans of these shards,
 * whatever their images. */
size_t pt_conv_scratch(const pt_conv_shape *s, const pt_span *span, int n_threads);

/* What the passes of this convolution multiply: numbers rounded to bfloat16, or floats.
 */
bool pt_conv_multiplies_bf16(const pt_conv_shape *s);
bool pt_conv_weights_multiply_bf16(const pt_conv_shape *s); /* backward_weights */

/* y = conv(x, w) (+ bias), then relu.
 *
 * x        [n_images][h][w][c_in]
 * bias     [c_out], or NULL
 * y        out, [n_images][out_h][out_w][c_out], overwritten
 * relu     y below 0 becomes 0; NaN stays
 * scratch  pt_conv_scratch() floats, aligned to 64 bytes
 */
void pt_conv_forward(pt_threads *p, const pt_conv_shape *s, int n_images, pt_values x,
                     const float *w, const float *bias, bool relu, pt_values y,
                     float *scratch);

/* dx = (accumulate ? dx : 0) + d(y)/d(x) * dy; x, w, y as in the forward pass.
 *
 * mask     none, or values like dx: dx becomes 0 where mask <= 0, the backward pass of a
 *          ReLU with output `mask` */
void pt_conv_backward_data(pt_threads *p, const pt_conv_shape *s, int n_images,
                           pt_values dy, const float *w, bool accumulate, pt_values mask,
                           pt_values dx, float *scratch);

/* Gradients of w and bias as sums over the images of sub-trees of shards.
 *
 * span     the shards whose images x and dy hold, all of them
 * dw, db   [sub-trees of pt_tree_cover(span)]: for each sub-tree t dw[t] ([kh][kw][c_in]
 *          [c_out]) and db[t] ([c_out]) are overwritten with its sum along the tree; not
 *          touched where the sub-tree has no images. db NULL: there is no bias
 */
void pt_conv_backward_weights(pt_threads *p, const pt_conv_shape *s, const pt_span *span,
                              pt_values x, pt_values dy, float *const *dw,
                              float *const *db, float *scratch);

#endif
