/* Max pooling and the global average over an image's pixels. NHWC (values.h). Local; no
 * allocation; cannot fail. */
#ifndef PT_WORKER_ENGINE_LAYERS_POOL2D_H
#define PT_WORKER_ENGINE_LAYERS_POOL2D_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "worker/engine/threads.h"
#include "worker/engine/values.h"

/* Output pixel (i, j) is the maximum over input rows i * stride - pad_top + 0..kh-1 and
 * columns j * stride - pad_left + 0..kw-1 that lie inside the input (at least one does);
 * kh * kw <= 255. How the output size was rounded does not matter here. */
typedef struct {
    int h, w, c, out_h, out_w, kh, kw, stride, pad_top, pad_left;
} pt_max_pool;

/* x [n_images][h][w][c] to y [n_images][out_h][out_w][c]. argmax [as y]: out, the place
 * of the maximum in its window, row * kw + column, the first of equal ones as in PyTorch;
 * may be NULL. A NaN in the window wins. */
void pt_max_pool_forward(pt_threads *p, const pt_max_pool *s, int n_images, pt_values x,
                         pt_values y, uint8_t *argmax);

/* dx = (accumulate ? dx : 0) + dy at the places in argmax, windows in row-major order;
 * then, unless there is no mask, 0 where mask (as dx) is <= 0: the backward pass of a
 * ReLU with that output. */
void pt_max_pool_backward(pt_threads *p, const pt_max_pool *s, int n_images, pt_values dy,
                          const uint8_t *argmax, bool accumulate, pt_values mask,
                          pt_values dx);

/* y [n_images][c] = mean of x [n_images][pixels][c], summed in double, pixels in order.
 */
void pt_global_avg_forward(pt_threads *p, int n_images, size_t pixels, int c, pt_values x,
                           pt_values y);
void pt_global_avg_backward(pt_threads *p, int n_images, size_t pixels, int c,
                            pt_values dy, bool accumulate, pt_values dx);

#endif
