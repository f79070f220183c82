#include "tests/support/plain.h"

#include <math.h>
#include <string.h>

/* One multiply-add of a convolution: offsets into x, w and y. */
typedef void (*visit)(size_t x, size_t w, size_t y, void *context);

/* Calls f for every pair of an output element and an input element that it reads. */
static void each(const pt_conv_shape *s, int n, bool depthwise, visit f, void *context)
{
    size_t outputs = (size_t)n * (size_t)s->out_h * (size_t)s->out_w;
    int c_in = depthwise ? 1 : s->c_in;

    for (size_t pixel = 0; pixel < outputs; pixel++) {
        int ox = (int)(pixel % (size_t)s->out_w);
        int oy = (int)(pixel / (size_t)s->out_w % (size_t)s->out_h);
        size_t image = pixel / (size_t)s->out_w / (size_t)s->out_h;

        for (int tap = 0; tap < s->kh * s->kw; tap++) {
            int iy = oy * s->stride - s->pad_top + tap / s->kw;
            int ix = ox * s->stride - s->pad_left + tap % s->kw;

            if (iy < 0 || iy >= s->h || ix < 0 || ix >= s->w) continue;
            size_t at =
                ((image * (size_t)s->h + (size_t)iy) * (size_t)s->w + (size_t)ix) *
                (size_t)s->c_in;
            for (int i = 0; i < c_in; i++) {
                for (int o = 0; o < s->c_out; o++) {
                    f(at + (size_t)(depthwise ? o : i),
                      (size_t)(tap * c_in + i) * (size_t)s->c_out + (size_t)o,
                      pixel * (size_t)s->c_out + (size_t)o, context);
                }
            }
        }
    }
}

typedef struct {
    const float *a, *b;
    double *out;
} product;

static void add_y(size_t x, size_t w, size_t y, void *context)
{
    const product *p = context;

    p->out[y] += (double)p->a[x] * (double)p->b[w];
}

static void add_dx(size_t x, size_t w, size_t y, void *context)
{
    const product *p = context;

    p->out[x] += (double)p->a[y] * (double)p->b[w];
}

static void add_dw(size_t x, size_t w, size_t y, void *context)
{
    const product *p = context;

    p->out[w] += (double)p->a[x] * (double)p->b[y];
}

static void forward(const pt_conv_shape *s, int n, bool depthwise, const float *x,
                    const float *w, const float *bias, double *y)
{
    size_t c = (size_t)s->c_out;
    size_t count = (size_t)n * (size_t)s->out_h * (size_t)s->out_w * c;

    for (size_t i = 0; i < count; i++) y[i] = bias ? (double)bias[i % c] : 0;
    each(s, n, depthwise, add_y, &(product){x, w, y});
}

static void backward_data(const pt_conv_shape *s, int n, bool depthwise, const float *dy,
                          const float *w, double *dx)
{
    memset(dx, 0, (size_t)n * (size_t)s->h * (size_t)s->w * (size_t)s->c_in * sizeof *dx);
    each(s, n, depthwise, add_dx, &(product){dy, w, dx});
}

static void backward_weights(const pt_conv_shape *s, int n, bool depthwise,
                             const float *x, const float *dy, double *dw, double *db)
{
    size_t c = (size_t)s->c_out, pixels = (size_t)n * (size_t)s->out_h * (size_t)s->out_w;
    size_t count = (size_t)(s->kh * s->kw) * (size_t)(depthwise ? 1 : s->c_in) * c;

    memset(dw, 0, count * sizeof *dw);
    memset(db, 0, c * sizeof *db);
    each(s, n, depthwise, add_dw, &(product){x, dy, dw});
    for (size_t i = 0; i < pixels * c; i++) db[i % c] += (double)dy[i];
}

void plain_conv_forward(const pt_conv_shape *s, int n, const float *x, const float *w,
                        const float *bias, double *y)
{
    forward(s, n, false, x, w, bias, y);
}

void plain_conv_backward_data(const pt_conv_shape *s, int n, const float *dy,
                              const float *w, double *dx)
{
    backward_data(s, n, false, dy, w, dx);
}

void plain_conv_backward_weights(const pt_conv_shape *s, int n, const float *x,
                                 const float *dy, double *dw, double *db)
{
    backward_weights(s, n, false, x, dy, dw, db);
}

void plain_depthwise_forward(const pt_conv_shape *s, int n, const float *x,
                             const float *w, const float *bias, double *y)
{
    forward(s, n, true, x, w, bias, y);
}

void plain_depthwise_backward_data(const pt_conv_shape *s, int n, const float *dy,
                                   const float *w, double *dx)
{
    backward_data(s, n, true, dy, w, dx);
}

void plain_depthwise_backward_weights(const pt_conv_shape *s, int n, const float *x,
                                      const float *dy, double *dw, double *db)
{
    backward_weights(s, n, true, x, dy, dw, db);
}

/* A linear layer is a 1x1 convolution of images of one pixel. */
static pt_conv_shape linear_shape(int n_in, int n_out)
{
    return (pt_conv_shape){1, 1, n_in, 1, 1, n_out, 1, 1, 1, 0, 0, PT_DIRECT};
}

void plain_linear_forward(int n_in, int n_out, int n, const float *x, const float *w,
                          const float *bias, double *y)
{
    pt_conv_shape s = linear_shape(n_in, n_out);

    forward(&s, n, false, x, w, bias, y);
}

void plain_linear_backward_data(int n_in, int n_out, int n, const float *dy,
                                const float *w, double *dx)
{
    pt_conv_shape s = linear_shape(n_in, n_out);

    backward_data(&s, n, false, dy, w, dx);
}

void plain_linear_backward_weights(int n_in, int n_out, int n, const float *x,
                                   const float *dy, double *dw, double *db)
{
    pt_conv_shape s = linear_shape(n_in, n_out);

    backward_weights(&s, n, false, x, dy, dw, db);
}

float plain_bf16(float x)
{
    enum { BITS = 8, SMALLEST = -133 }; /* the last bit of a denormal is 2^-133 */
    int e, unit;

    if (!isfinite(x) || x == 0) return x;
    frexp((double)x, &e); /* |x| = m 2^e, m in [1/2, 1) */
    unit = e - BITS > SMALLEST ? e - BITS : SMALLEST;
    return (float)ldexp(nearbyint(ldexp((double)x, -unit)), unit);
}

double plain_distance(const float *got, const double *want, size_t n)
{
    double off = 0, size = 0;

    for (size_t i = 0; i < n; i++) {
        double d = (double)got[i] - want[i];

        off += d * d;
        size += want[i] * want[i];
    }
    if (!(off <= 1e300)) return HUGE_VAL; /* also NaN */
    return size > 0 ? sqrt(off / size) : sqrt(off);
}
