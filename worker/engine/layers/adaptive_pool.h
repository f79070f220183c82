/* Averages over a grid of windows, whatever the size of the input: PyTorch's
 * AdaptiveAvgPool2d. NHWC (values.h). Local; no allocation; cannot fail. */
#ifndef PT_WORKER_ENGINE_LAYERS_ADAPTIVE_POOL_H
#define PT_WORKER_ENGINE_LAYERS_ADAPTIVE_POOL_H

#include <stdbool.h>

#include "worker/engine/threads.h"
#include "worker/engine/values.h"

/* Output row i is of the input rows floor(i h / out_h) to ceil((i + 1) h / out_h) - 1,
 * columns alike. Windows overlap where the sizes do not divide; where the output is the
 * larger one they repeat. */
typedef struct {
    int h, w, c, out_h, out_w;
} pt_adaptive_pool;

/* x [n_images][h][w][c] to y [n_images][out_h][out_w][c]: means, summed in double in
 * row-major order. */
void pt_adaptive_pool_forward(pt_threads *p, const pt_adaptive_pool *s, int n_images,
                              pt_values x, pt_values y);

/* dx = (accumulate ? dx : 0) + the sum over the windows that hold the pixel, in row-major
 * order and in double, of dy / the window's pixels. */
void pt_adaptive_pool_backward(pt_threads *p, const pt_adaptive_pool *s, int n_images,
                               pt_values dy, bool accumulate, pt_values dx);

#endif
