/* Sizes of a convolution, and what follows from them alone. Pure. */
#ifndef PT_WORKER_ENGINE_CONV_CONV_SHAPE_H
#define PT_WORKER_ENGINE_CONV_CONV_SHAPE_H

#include <stdbool.h>
#include <stddef.h>

#include "worker/engine/gemm/kernel.h"

enum { PT_CONV_MAX_STRIDE = 8 };

/* All >= 1 except the pads (>= 0); the stride at most PT_CONV_MAX_STRIDE. Output pixel
 * (i, j) reads input rows i * stride - pad_top + 0..kh-1 and columns j * stride -
 * pad_left + 0..kw-1; what lies outside the input is zero, so the pads at the bottom and
 * right follow from out_h and out_w. */
typedef struct {
    int h, w, c_in, out_h, out_w, c_out, kh, kw, stride, pad_top, pad_left;
    pt_kernel kernel;
} pt_conv_shape;

/* kh * kw * c_in. */
size_t pt_conv_depth(const pt_conv_shape *s);

/* Of one image's output. */
static inline size_t pt_conv_pixels(const pt_conv_shape *s)
{
    return (size_t)s->out_h * (size_t)s->out_w;
}

/* Output rows of about `pixels` pixels; at least one. */
int pt_conv_rows(const pt_conv_shape *s, int pixels);

/* One matrix product would do: 1x1, stride 1, no padding. */
bool pt_conv_is_plain(const pt_conv_shape *s);

/* The convolution that takes dy to dx where the stride is 1, with filters turned by 180
 * degrees and [c_in][c_out] transposed. */
pt_conv_shape pt_conv_turned(const pt_conv_shape *s);

#endif
