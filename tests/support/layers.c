#include "tests/support/layers.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/rng.h"
#include "common/base/status.h"
#include "tests/support/plain.h"
#include "worker/engine/conv/depthwise.h"
#include "worker/engine/layers/linear.h"

layer layer_of(layer_kind kind, const pt_conv_shape *s)
{
    layer l = {.kind = kind, .s = *s, .c_out = (size_t)s->c_out};
    size_t taps = (size_t)(s->kh * s->kw);

    l.x_floats = (size_t)s->h * (size_t)s->w * (size_t)s->c_in;
    l.y_floats = (size_t)s->out_h * (size_t)s->out_w * (size_t)s->c_out;
    l.w_floats =
        taps * (kind == LAYER_DEPTHWISE ? 1 : (size_t)s->c_in) * (size_t)s->c_out;
    return l;
}

const char *layer_text(const layer *l)
{
    static const char *const kinds[] = {"conv", "depthwise", "linear"};
    static char text[160];
    const pt_conv_shape *s = &l->s;

    snprintf(text, sizeof text, "%s %dx%dx%d -> %dx%dx%d, %dx%d/%d, pads %d %d",
             kinds[l->kind], s->h, s->w, s->c_in, s->out_h, s->out_w, s->c_out, s->kh,
             s->kw, s->stride, s->pad_top, s->pad_left);
    return text;
}

static float *must_have(size_t n)
{
    float *p = malloc((n > 0 ? n : 1) * sizeof *p);

    PT_CHECK(p != NULL, "no memory for %zu floats", n);
    return p;
}

float *layer_random(uint64_t seed, size_t n)
{
    float *p = must_have(n);
    pt_rng r = pt_rng_stream(seed, PT_RNG_TEST, 0, 0);

    pt_rng_fill_normal(&r, p, n);
    return p;
}

float *layer_nan(size_t n)
{
    float *p = must_have(n);

    for (size_t i = 0; i < n; i++) p[i] = NAN;
    return p;
}

float *layer_scratch(const layer *l, pt_threads *p, const pt_span *span)
{
    int threads = pt_threads_count(p), n_shards = span->n_shards;
    size_t n = 0;

    if (l->kind == LAYER_CONV) n = pt_conv_scratch(&l->s, span, threads);
    if (l->kind == LAYER_DEPTHWISE) n = pt_depthwise_scratch(&l->s, span, threads);
    if (l->kind == LAYER_LINEAR)
        n = pt_linear_scratch(l->s.c_in, l->s.c_out, pt_span_images(span), n_shards,
                              threads);
    float *scratch = aligned_alloc(64, (n + 16) / 16 * 64);

    PT_CHECK(scratch != NULL, "no memory for %zu floats", n);
    for (size_t i = 0; i < n; i++) scratch[i] = NAN;
    return scratch;
}

void layer_forward(const layer *l, pt_threads *p, const pt_span *span, const float *x,
                   const float *w, const float *bias, float *y)
{
    float *scratch = layer_scratch(l, p, span);
    int n = pt_span_images(span);

    if (l->kind == LAYER_CONV)
        pt_conv_forward(p, &l->s, n, pt_floats(x), w, bias, false, pt_floats(y), scratch);
    if (l->kind == LAYER_DEPTHWISE) {
        pt_depthwise_forward(p, &l->s, n, pt_floats(x), w, bias, pt_floats(y), scratch);
    }
    if (l->kind == LAYER_LINEAR)
        pt_linear_forward(p, l->s.c_in, l->s.c_out, n, pt_kernel_bf16(l->s.kernel), x, w,
                          bias, y, scratch);
    free(scratch);
}

void layer_backward_data(const layer *l, pt_threads *p, const pt_span *span,
                         const float *dy, const float *w, bool accumulate, float *dx)
{
    float *scratch = layer_scratch(l, p, span);
    int n = pt_span_images(span);

    if (l->kind == LAYER_CONV) {
        pt_conv_backward_data(p, &l->s, n, pt_floats(dy), w, accumulate, pt_floats(NULL),
                              pt_floats(dx), scratch);
    }
    if (l->kind == LAYER_DEPTHWISE) {
        pt_depthwise_backward_data(p, &l->s, n, pt_floats(dy), w, accumulate,
                                   pt_floats(dx), scratch);
    }
    if (l->kind == LAYER_LINEAR)
        pt_linear_backward_data(p, l->s.c_in, l->s.c_out, n, pt_kernel_bf16(l->s.kernel),
                                dy, w, accumulate, dx, scratch);
    free(scratch);
}

void layer_forward_relu(const layer *l, pt_threads *p, const pt_span *span,
                        const float *x, const float *w, const float *bias, float *y)
{
    float *scratch = layer_scratch(l, p, span);

    pt_conv_forward(p, &l->s, pt_span_images(span), pt_floats(x), w, bias, true,
                    pt_floats(y), scratch);
    free(scratch);
}

void layer_backward_masked(const layer *l, pt_threads *p, const pt_span *span,
                           const float *dy, const float *w, bool accumulate,
                           const float *mask, float *dx)
{
    float *scratch = layer_scratch(l, p, span);

    pt_conv_backward_data(p, &l->s, pt_span_images(span), pt_floats(dy), w, accumulate,
                          pt_floats(mask), pt_floats(dx), scratch);
    free(scratch);
}

void layer_backward_weights(const layer *l, pt_threads *p, const pt_span *span,
                            const float *x, const float *dy, float *const *dw,
                            float *const *db)
{
    float *scratch = layer_scratch(l, p, span);

    if (l->kind == LAYER_CONV) {
        pt_conv_backward_weights(p, &l->s, span, pt_floats(x), pt_floats(dy), dw, db,
                                 scratch);
    }
    if (l->kind == LAYER_DEPTHWISE) {
        pt_depthwise_backward_weights(p, &l->s, span, pt_floats(x), pt_floats(dy), dw, db,
                                      scratch);
    }
    if (l->kind == LAYER_LINEAR) {
        pt_linear_backward_weights(p, l->s.c_in, l->s.c_out, span, x, dy, NULL, dw, db,
                                   scratch);
    }
    free(scratch);
}

void layer_plain_forward(const layer *l, int n, const float *x, const float *w,
                         const float *bias, double *y)
{
    if (l->kind == LAYER_CONV) plain_conv_forward(&l->s, n, x, w, bias, y);
    if (l->kind == LAYER_DEPTHWISE) plain_depthwise_forward(&l->s, n, x, w, bias, y);
    if (l->kind == LAYER_LINEAR) {
        plain_linear_forward(l->s.c_in, l->s.c_out, n, x, w, bias, y);
    }
}

void layer_plain_backward(const layer *l, int n, const float *x, const float *w,
                          const float *dy, double *dx, double *dw, double *db)
{
    if (l->kind == LAYER_CONV) {
        plain_conv_backward_data(&l->s, n, dy, w, dx);
        plain_conv_backward_weights(&l->s, n, x, dy, dw, db);
    }
    if (l->kind == LAYER_DEPTHWISE) {
        plain_depthwise_backward_data(&l->s, n, dy, w, dx);
        plain_depthwise_backward_weights(&l->s, n, x, dy, dw, db);
    }
    if (l->kind == LAYER_LINEAR) {
        plain_linear_backward_data(l->s.c_in, l->s.c_out, n, dy, w, dx);
        plain_linear_backward_weights(l->s.c_in, l->s.c_out, n, x, dy, dw, db);
    }
}
