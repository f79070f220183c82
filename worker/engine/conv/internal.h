/* The ways of computing a convolution, behind conv.h, and what they share. Arguments and
 * layouts are those of conv.h. Internal to the engine. */
#ifndef PT_WORKER_ENGINE_CONV_INTERNAL_H
#define PT_WORKER_ENGINE_CONV_INTERNAL_H

#include "worker/engine/conv/conv.h"

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

/* Images of the span's buffers that belong to shard `shard`: [*begin, *end). */
void pt_shard_images(const pt_span *span, int shard, size_t *begin, size_t *end);

/* Sums of dy by shard, in double over its pixels in order, then the tree. scratch:
 * pt_bias_scratch() floats. */
void pt_bias_gradient(pt_threads *p, const pt_span *span, size_t pixels, int c_out,
                      const float *dy, float *const *db, float *scratch);
size_t pt_bias_scratch(int c_out, int n_shards);

/* The exact product. */
void pt_exact_forward(pt_threads *p, const pt_conv_shape *s, int n_images, const float *x,
                      const float *w, const float *bias, bool relu, float *y,
                      float *scratch);
void pt_exact_data(pt_threads *p, const pt_conv_shape *s, int n_images, const float *dy,
                   const float *w, bool accumulate, const float *mask, float *dx,
                   float *scratch);
void pt_exact_weights(pt_threads *p, const pt_conv_shape *s, const pt_span *span,
                      const float *x, const float *dy, float *const *dw, float *scratch);
size_t pt_exact_scratch(const pt_conv_shape *s, int n_threads);
size_t pt_exact_weights_scratch(const pt_conv_shape *s, const pt_span *span,
                                int n_threads);

static inline size_t pt_round_up(size_t n)
{
    return (n + 15) / 16 * 16;
}

/* Parts of at most `part` that n is cut into. */
static inline int pt_parts(size_t n, size_t part)
{
    return (int)((n + part - 1) / part);
}

static inline size_t pt_max_size(size_t a, size_t b)
{
    return a > b ? a : b;
}

static inline size_t pt_min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

#endif
