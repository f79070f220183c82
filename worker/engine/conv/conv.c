#include "worker/engine/conv/conv.h"

#include "common/base/sizes.h"
#include "worker/engine/conv/exact.h"
#include "worker/engine/conv/winograd.h"
#include "worker/engine/layers/bias.h"

static bool by_winograd(const pt_conv_shape *s)
{
    return pt_kernel_winograd(s->kernel) && pt_winograd_fits(s);
}

static bool weights_by_winograd(const pt_conv_shape *s)
{
    return by_winograd(s) && pt_winograd_fits_weights(s);
}

bool pt_conv_multiplies_bf16(const pt_conv_shape *s)
{
    return pt_kernel_bf16(s->kernel) && !by_winograd(s);
}

bool pt_conv_weights_multiply_bf16(const pt_conv_shape *s)
{
    return pt_kernel_bf16(s->kernel) && !weights_by_winograd(s);
}

void pt_conv_forward(pt_threads *p, const pt_conv_shape *s, int n_images, pt_values x,
                     const float *w, const float *bias, bool relu, pt_values y,
                     float *scratch)
{
    if (by_winograd(s))
        pt_winograd_forward(p, s, n_images, x, w, bias, relu, y, scratch);
    else
        pt_exact_forward(p, s, n_images, x, w, bias, relu, y, scratch);
}

void pt_conv_backward_data(pt_threads *p, const pt_conv_shape *s, int n_images,
                           pt_values dy, const float *w, bool accumulate, pt_values mask,
                           pt_values dx, float *scratch)
{
    if (by_winograd(s))
        pt_winograd_data(p, s, n_images, dy, w, accumulate, mask, dx, scratch);
    else
        pt_exact_data(p, s, n_images, dy, w, accumulate, mask, dx, scratch);
}

void pt_conv_backward_weights(pt_threads *p, const pt_conv_shape *s, const pt_span *span,
                              pt_values x, pt_values dy, float *const *dw,
                              float *const *db, float *scratch)
{
    if (weights_by_winograd(s))
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
