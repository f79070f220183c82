/* Layers without sums over images: activations, addition, concatenation, dropout and
 * the shortcut without weights.
 *
 * Activations are NHWC float32, the images of one worker contiguous. One pass over the
 * memory each, shared among the pool's threads; every element depends on its own inputs
 * alone. "May be the same" buffers are equal pointers; otherwise buffers do not overlap.
 * Gradients: `accumulate` adds to dx instead of overwriting it. Local; no allocation;
 * cannot fail. */
#ifndef PT_WORKER_ENGINE_LAYERS_POINTWISE_H
#define PT_WORKER_ENGINE_LAYERS_POINTWISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "worker/engine/threads.h"
#include "worker/engine/values.h"

typedef enum { PT_ACT_NONE, PT_ACT_RELU, PT_ACT_RELU6 } pt_act;

/* The activation of one value; NaN stays NaN. */
static inline float pt_activate(pt_act act, float z)
{
    float y = act == PT_ACT_NONE ? z : 0.0f > z ? 0.0f : z;

    return act == PT_ACT_RELU6 && y > 6.0f ? 6.0f : y;
}

/* d(loss)/dz where y = activation(z) (or z itself: the result is the same). As PyTorch:
 * nothing passes at y = 0 and at y = 6. */
static inline float pt_activate_back(pt_act act, float y, float dy)
{
    if (act == PT_ACT_RELU) return y <= 0.0f ? 0.0f : dy;
    if (act == PT_ACT_RELU6) return y <= 0.0f || y >= 6.0f ? 0.0f : dy;
    return dy;
}

/* y [n] = act(x [n]); x and y may be the same. */
void pt_relu_forward(pt_threads *p, pt_act act, size_t n, pt_values x, pt_values y);

/* dx [n] from the output y; dx and dy may be the same (then accumulate is false). */
void pt_relu_backward(pt_threads *p, pt_act act, size_t n, pt_values y, pt_values dy,
                      bool accumulate, pt_values dx);

/* y [n] = act(a [n] + b [n]); y may be a or b. */
void pt_add_forward(pt_threads *p, pt_act act, size_t n, pt_values a, pt_values b,
                    pt_values y);

/* dx [n] = dy, or dx += dy: addition's backward, and that of an identity. */
void pt_pass_gradient(pt_threads *p, size_t n, pt_values dy, bool accumulate,
                      pt_values dx);

/* y [pixels][c_a + c_b] = a [pixels][c_a], then b [pixels][c_b]. */
void pt_concat_forward(pt_threads *p, size_t pixels, int c_a, pt_values a, int c_b,
                       pt_values b, pt_values y);

/* An input of a concatenation and its gradient, dx [pixels][c], which may be missing;
 * then, unless there is no mask, 0 where mask (as dx) is <= 0: the backward pass of a
 * ReLU with that output. */
typedef struct {
    int c;
    bool accumulate;
    pt_values mask, dx;
} pt_concat_input;

/* dx of both inputs from dy [pixels][c of the first, c of the second]. They may have one
 * dx, to which the second adds. */
void pt_concat_backward(pt_threads *p, size_t pixels, const pt_concat_input in[2],
                        pt_values dy);

/* The shortcut "option A" of He et al. (CVPR 2016): every stride-th pixel of x
 * [n_images][h][w][c_in]; y [n_images][out_h][out_w][c_out] has (c_out - c_in) / 2 zero
 * channels before and the rest after. */
typedef struct {
    int h, w, c_in, out_h, out_w, c_out, stride;
} pt_shortcut;

void pt_shortcut_forward(pt_threads *p, const pt_shortcut *s, int n_images,
                         const float *x, float *y);
void pt_shortcut_backward(pt_threads *p, const pt_shortcut *s, int n_images,
                          const float *dy, bool accumulate, float *dx);

/* Inverted dropout. Element i of the image at batch position p is kept, and multiplied by
 * 1 / (1 - prob), iff element i of the stream (seed, PT_RNG_DROPOUT, step, node << 32 |
 * p) is at least prob. Forward from x to y and, with the same mask, backward from dy to
 * dx; `x` and `y` may be the same. */
typedef struct {
    float prob; /* of a zero, in [0, 1) */
    uint64_t seed, step;
    int node;
    int first;   /* batch position of the first image */
    size_t size; /* floats of one image */
} pt_dropout;

void pt_dropout_apply(pt_threads *p, const pt_dropout *d, int n_images, const float *x,
                      bool accumulate, float *y);

#endif
