#include "worker/engine/conv/conv.h"

#include "worker/engine/conv/internal.h"
#include "worker/engine/conv/winograd.h"

size_t pt_conv_depth(const pt_conv_shape *s)
{
    return (size_t)s->kh * (size_t)s->kw * (size_t)s->c_in;
}

int pt_conv_rows(const pt_conv_shape *s, int pixels)
{
    int rows = pixels / s->out_w;

    return rows < 1 ? 1 : rows > s->out_h ? s->out_h : rows;
}

bool pt_conv_is_plain(const pt_conv_shape *s)
{
    return s->kh == 1 && s->kw == 1 && s->stride == 1 && s->pad_top == 0 &&
           s->pad_left == 0 && s->out_h == s->h && s->out_w == s->w;
}

pt_conv_shape pt_conv_turned(const pt_conv_shape *s)
{
    return (pt_conv_shape){.h = s->out_h,
                           .w = s->out_w,
                           .c_in = s->c_out,
                           .out_h = s->h,
                           .out_w = s->w,
                           .c_out = s->c_in,
                           .kh = s->kh,
                           .kw = s->kw,
                           .stride = 1,
                           .pad_top = s->kh - 1 - s->pad_top,
                           .pad_left = s->kw - 1 - s->pad_left,
                           .method = s->method};
}

static bool by_winograd(const pt_conv_shape *s)
{
    return s->method == PT_WINOGRAD && pt_winograd_fits(s);
}

void pt_conv_forward(pt_threads *p, const pt_conv_shape *s, int n_images, const float *x,
                     const float *w, const float *bias, bool relu, float *y,
                     float *scratch)
{
    if (by_winograd(s))
        pt_winograd_forward(p, s, n_images, x, w, bias, relu, y, scratch);
    else
        pt_exact_forward(p, s, n_images, x, w, bias, relu, y, scratch);
}

void pt_conv_backward_data(pt_threads *p, const pt_conv_shape *s, int n_images,
                           const float *dy, const float *w, bool accumulate,
                           const float *mask, float *dx, float *scratch)
{
    if (by_winograd(s))
        pt_winograd_data(p, s, n_images, dy, w, accumulate, mask, dx, scratch);
    else
        pt_exact_data(p, s, n_images, dy, w, accumulate, mask, dx, scratch);
}

void pt_conv_backward_weights(pt_threads *p, const pt_conv_shape *s, const pt_span *span,
                              const float *x, const float *dy, float *const *dw,
                              float *const *db, float *scratch)
{
    if (by_winograd(s) && pt_winograd_fits_weights(s))
        pt_winograd_weights(p, s, span, x, dy, dw, scratch);
    else
        pt_exact_weights(p, s, span, x, dy, dw, scratch);
    if (db) pt_bias_gradient(p, span, pt_conv_pixels(s), s->c_out, dy, db, scratch);
}

size_t pt_conv_scratch(const pt_conv_shape *s, const pt_span *span, int n_threads)
{
    size_t n = pt_bias_scratch(s->c_out, span->n_shards);

    if (by_winograd(s)) {
        n = pt_max_size(n, pt_winograd_scratch(s, n_threads));
        if (pt_winograd_fits_weights(s))
            return pt_max_size(n, pt_winograd_weights_scratch(s, span, n_threads));
    }
    n = pt_max_size(n, pt_exact_scratch(s, n_threads));
    return pt_max_size(n, pt_exact_weights_scratch(s, span, n_threads));
}
