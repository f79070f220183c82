#include "worker/engine/conv/depthwise.h"

#include "common/base/sizes.h"
#include "common/gemm/lanes.h"

enum { BLOCK_FLOATS = 64 * 1024 }; /* of the written image per item */

typedef struct {
    pt_conv_shape s;
    int rows, n_blocks; /* an item writes `rows` rows of an image */
    const float *x, *w, *bias;
    bool accumulate;
    float *y;
} pass;

/* One output pixel: taps ki0..ki1-1, kj0..kj1-1 lie inside; x at (0, 0) of the window,
 * which may be outside the image, as an offset from the image's start. */
typedef struct {
    int ki0, ki1, kj0, kj1;
    ptrdiff_t at;
} window;

PT_INLINE void forward_lanes(const pass *p, const float *image, const window *v, size_t c,
                             size_t n, float *y)
{
    ptrdiff_t channels = p->s.c_in, row = (ptrdiff_t)p->s.w * channels;
    pt_lanes sum = {0};

    if (p->bias) sum = pt_load(p->bias + c, n);
    for (int ki = v->ki0; ki < v->ki1; ki++) {
        for (int kj = v->kj0; kj < v->kj1; kj++) {
            const float *x = image + v->at + ki * row + kj * channels + (ptrdiff_t)c;

            sum += pt_load(x, n) * pt_load(p->w + (ki * p->s.kw + kj) * channels + c, n);
        }
    }
    pt_store(y + c, sum, n);
}

PT_CLONES static void forward_row(const pass *p, const float *image, int oy, float *y)
{
    const pt_conv_shape *s = &p->s;
    size_t channels = (size_t)s->c_in;
    int y0 = oy * s->stride - s->pad_top;
    window v = {.ki0 = pt_max_int(0, -y0), .ki1 = pt_min_int(s->kh, s->h - y0)};

    for (int ox = 0; ox < s->out_w; ox++, y += channels) {
        int x0 = ox * s->stride - s->pad_left;
        size_t c = 0;

        v.kj0 = pt_max_int(0, -x0);
        v.kj1 = pt_min_int(s->kw, s->w - x0);
        v.at = ((ptrdiff_t)y0 * s->w + x0) * s->c_in;
        for (; c + PT_LANES <= channels; c += PT_LANES)
            forward_lanes(p, image, &v, c, PT_LANES, y);
        if (c < channels) forward_lanes(p, image, &v, c, channels - c, y);
    }
}

static void forward_item(void *context, int item, int thread)
{
    const pass *p = context;
    const pt_conv_shape *s = &p->s;
    size_t image = (size_t)(item / p->n_blocks), c = (size_t)s->c_in;
    int row0 = item % p->n_blocks * p->rows, row1 = pt_min_int(row0 + p->rows, s->out_h);

    for (int oy = row0; oy < row1; oy++) {
        forward_row(p, p->x + image * (size_t)s->h * (size_t)s->w * c, oy,
                    p->y +
                        (image * (size_t)s->out_h + (size_t)oy) * (size_t)s->out_w * c);
    }
}

static void plan_rows(pass *p, int n_rows, int width)
{
    size_t row = (size_t)width * (size_t)p->s.c_in;

    p->rows = pt_min_int(n_rows, pt_max_int(1, (int)(BLOCK_FLOATS / row)));
    p->n_blocks = (n_rows + p->rows - 1) / p->rows;
}

void pt_depthwise_forward(pt_threads *pool, const pt_conv_shape *s, int n_images,
                          const float *x, const float *w, const float *bias, float *y,
                          float *scratch)
{
    pass p = {.s = *s, .x = x, .w = w, .bias = bias, .y = y};

    plan_rows(&p, s->out_h, s->out_w);
    pt_threads_run(pool, n_images * p.n_blocks, forward_item, &p);
}

/* The taps of one axis that lead from an input position to outputs: tap k0 + i * stride
 * to output o0 - i, for i in 0..n-1. */
typedef struct {
    int k0, o0, n;
} axis;

static axis axis_of(int position, int kernel, int stride, int n_out)
{
    axis a = {.k0 = position % stride, .o0 = position / stride};

    if (a.o0 >= n_out) {
        a.k0 += (a.o0 - n_out + 1) * stride;
        a.o0 = n_out - 1;
    }
    a.n = a.k0 < kernel ? (kernel - a.k0 + stride - 1) / stride : 0;
    a.n = pt_min_int(a.n, a.o0 + 1);
    return a;
}

/* Here x is dy and y is dx. */
PT_INLINE void data_lanes(const pass *p, const float *dy, axis v, axis h, size_t c,
                          size_t n, float *dx)
{
    const pt_conv_shape *s = &p->s;
    size_t channels = (size_t)s->c_in;
    pt_lanes sum = {0};

    for (int i = 0; i < v.n; i++) {
        const float *row = dy + (size_t)(v.o0 - i) * (size_t)s->out_w * channels + c;
        const float *w = p->w + (size_t)(v.k0 + i * s->stride) * (size_t)s->kw * channels;

        for (int j = 0; j < h.n; j++) {
            sum += pt_load(row + (size_t)(h.o0 - j) * channels, n) *
                   pt_load(w + (size_t)(h.k0 + j * s->stride) * channels + c, n);
        }
    }
    if (p->accumulate) sum = pt_load(dx + c, n) + sum;
    pt_store(dx + c, sum, n);
}

PT_CLONES static void data_row(const pass *p, const float *dy, int iy, float *dx)
{
    const pt_conv_shape *s = &p->s;
    size_t channels = (size_t)s->c_in;
    axis v = axis_of(iy + s->pad_top, s->kh, s->stride, s->out_h);

    for (int ix = 0; ix < s->w; ix++, dx += channels) {
        axis h = axis_of(ix + s->pad_left, s->kw, s->stride, s->out_w);
        size_t c = 0;

        for (; c + PT_LANES <= channels; c += PT_LANES)
            data_lanes(p, dy, v, h, c, PT_LANES, dx);
        if (c < channels) data_lanes(p, dy, v, h, c, channels - c, dx);
    }
}

static void data_item(void *context, int item, int thread)
{
    const pass *p = context;
    const pt_conv_shape *s = &p->s;
    size_t image = (size_t)(item / p->n_blocks), c = (size_t)s->c_in;
    int row0 = item % p->n_blocks * p->rows, row1 = pt_min_int(row0 + p->rows, s->h);

    for (int iy = row0; iy < row1; iy++) {
        data_row(p, p->x + image * (size_t)s->out_h * (size_t)s->out_w * c, iy,
                 p->y + (image * (size_t)s->h + (size_t)iy) * (size_t)s->w * c);
    }
}

void pt_depthwise_backward_data(pt_threads *pool, const pt_conv_shape *s, int n_images,
                                const float *dy, const float *w, bool accumulate,
                                float *dx, float *scratch)
{
    pass p = {.s = *s, .x = dy, .w = w, .accumulate = accumulate, .y = dx};

    plan_rows(&p, s->h, s->w);
    pt_threads_run(pool, n_images * p.n_blocks, data_item, &p);
}
