/* Averages over windows that move by a stride: PyTorch's AvgPool2d; and over those that
 * divide a map: its AdaptiveAvgPool2d (adaptive_pool.h). NHWC (values.h). Local; no
 * allocation; cannot fail. */
#ifndef PT_WORKER_ENGINE_LAYERS_AVG_POOL_H
#define PT_WORKER_ENGINE_LAYERS_AVG_POOL_H

#include <stdbool.h>

#include "worker/engine/threads.h"
#include "worker/engine/values.h"

/* Output pixel (i, j) is the mean over input rows i * stride - pad_top + 0..kh-1, columns
 * alike, that lie inside the input (at least one does). count_pad: pixels of the padding
 * count as zeros; what a rounded-up size puts beyond it does not.
 *
 * stride 0: rows i * h / out_h (rounded down) to (i + 1) * h / out_h (rounded up, itself
 * excluded) instead, columns alike; kh, kw, the padding and count_pad are not used. */
typedef struct {
    int h, w, c, out_h, out_w, kh, kw, stride, pad_top, pad_left, pad_bottom, pad_right;
    bool count_pad;
} pt_avg_pool;

/* x [n_images][h][w][c] to y [n_images][out_h][out_w][c]: summed in double in row-major
 * order. */
void pt_avg_pool_forward(pt_threads *p, const pt_avg_pool *s, int n_images, pt_values x,
                         pt_values y);

/* dx = (accumulate ? dx : 0) + the sum over the windows that hold the pixel, in row-major
 * order and in double, of dy / the window's pixels. */
void pt_avg_pool_backward(pt_threads *p, const pt_avg_pool *s, int n_images, pt_values dy,
                          bool accumulate, pt_values dx);

#endif
