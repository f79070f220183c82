/* Convolution with any kernel, stride and padding, in blocks of im2col and matrix
 * products.
 *
 * Layouts: activations NHWC float32, the images of one worker contiguous
 * ([n_images][h][w][c]); weights [kh][kw][c_in][c_out]; bias [c_out].
 *
 * Rule of bits: the shape of every matrix product follows from the layer alone (an image
 * or a block of its output rows; a tile of the weight matrix for one image), never from
 * the span, the number of images or threads. Local; no allocation; cannot fail. Buffers
 * do not overlap. */
#ifndef PT_WORKER_CONV_H
#define PT_WORKER_CONV_H

#include <stdbool.h>
#include <stddef.h>

#include "common/shards.h"
#include "worker/engine/pool.h"

/* All >= 1 except the pads (>= 0). Output pixel (i, j) reads input rows i * stride -
 * pad_top + 0..kh-1 and columns j * stride - pad_left + 0..kw-1; what lies outside the
 * input is zero, so the pads at the bottom and right follow from out_h and out_w. */
typedef struct {
    int h, w, c_in, out_h, out_w, c_out, kh, kw, stride, pad_top, pad_left;
} pt_conv_shape;

/* Floats of scratch per thread that any of the three passes needs; a multiple of 16, so
 * that each thread's part of an aligned buffer is aligned. */
size_t pt_conv_scratch(const pt_conv_shape *s, int n_shards);

/* y = conv(x, w) (+ bias).
 *
 * x        [n_images][h][w][c_in]
 * bias     [c_out], or NULL
 * y        out, [n_images][out_h][out_w][c_out], overwritten
 * scratch  [threads of the pool][pt_conv_scratch()]
 */
void pt_conv_forward(pt_pool *p, const pt_conv_shape *s, int n_images, const float *x,
                     const float *w, const float *bias, float *y, float *scratch);

/* dx = (accumulate ? dx : 0) + d(y)/d(x) * dy; x, w, y as in the forward pass. */
void pt_conv_backward_data(pt_pool *p, const pt_conv_shape *s, int n_images,
                           const float *dy, const float *w, bool accumulate, float *dx,
                           float *scratch);

/* Gradients of w and bias as sums over the images of sub-trees of shards.
 *
 * span     the shards whose images x and dy hold, all of them
 * dw, db   [sub-trees of pt_tree_cover(span)]: for each sub-tree t dw[t] ([kh][kw][c_in]
 *          [c_out]) and db[t] ([c_out]) are overwritten with its sum along the tree; not
 *          touched where the sub-tree has no images. db NULL: there is no bias
 */
void pt_conv_backward_weights(pt_pool *p, const pt_conv_shape *s, const pt_span *span,
                              const float *x, const float *dy, float *const *dw,
                              float *const *db, float *scratch);

#endif
