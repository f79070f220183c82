#include "worker/engine/conv/conv_shape.h"

#include "common/base/sizes.h"

size_t pt_conv_depth(const pt_conv_shape *s)
{
    return (size_t)s->kh * (size_t)s->kw * (size_t)s->c_in;
}

int pt_conv_rows(const pt_conv_shape *s, int pixels)
{
    int rows = pixels / s->out_w;

    return pt_min_int(pt_max_int(rows, 1), s->out_h);
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
                           .kernel = s->kernel};
}
