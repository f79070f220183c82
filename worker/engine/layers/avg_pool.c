#include "worker/engine/layers/avg_pool.h"

#include <stddef.h>

#include "common/base/simd.h"
#include "common/base/sizes.h"

enum { BLOCK = 64 }; /* channels that are worked on at a time */

typedef struct {
    const pt_avg_pool *s;
    pt_values in, out;
    bool accumulate;
} pool_job;

/* Pixels from..to-1 of a row or column, and for how many they count. */
typedef struct {
    int from, to, n;
} range;

/* One side of a pool. */
typedef struct {
    int in, out, k, stride, before, after;
    bool count_pad;
} side;

static side rows_of(const pt_avg_pool *s)
{
    return (side){s->h,       s->out_h,      s->kh,       s->stride,
                  s->pad_top, s->pad_bottom, s->count_pad};
}

static side columns_of(const pt_avg_pool *s)
{
    return (side){s->w,        s->out_w,     s->kw,       s->stride,
                  s->pad_left, s->pad_right, s->count_pad};
}

static range moving_window(const side *s, int i)
{
    int start = i * s->stride - s->before;
    range r = {pt_max_int(start, 0), pt_min_int(start + s->k, s->in), 0};

    r.n =
        s->count_pad ? pt_min_int(start + s->k, s->in + s->after) - start : r.to - r.from;
    return r;
}

static range dividing_window(const side *s, int i)
{
    range r = {(int)((long)i * s->in / s->out),
               (int)(((long)(i + 1) * s->in + s->out - 1) / s->out), 0};

    r.n = r.to - r.from;
    return r;
}

static range window(const side *s, int i)
{
    return s->stride > 0 ? moving_window(s, i) : dividing_window(s, i);
}

/* The windows from..to-1 that hold pixel i. */
static range holders(const side *s, int i)
{
    int a = i + s->before;
    range r = {0, s->out, 0};

    if (s->stride > 0)
        return (range){a < s->k ? 0 : (a - s->k) / s->stride + 1,
                       pt_min_int(a / s->stride + 1, s->out), 0};
    while (window(s, r.from).to <= i) r.from++;
    while (window(s, r.to - 1).from > i) r.to--;
    return r;
}

/* ---- forward ---------------------------------------------------------------------- */

/* n <= BLOCK channels of one window. */
static inline __attribute__((always_inline)) void
mean(const pt_avg_pool *s, pt_values x, range rows, range columns, int n, pt_values y)
{
    double sum[BLOCK] = {0}, pixels = (double)rows.n * columns.n;
    float room[BLOCK], *to = pt_values_open(y, (size_t)n, false, room);

    for (int ih = rows.from; ih < rows.to; ih++)
        for (int iw = columns.from; iw < columns.to; iw++) {
            size_t at = ((size_t)ih * (size_t)s->w + (size_t)iw) * (size_t)s->c;
            float room_x[BLOCK];
            const float *v = pt_values_read(pt_values_from(x, at), (size_t)n, room_x);

            for (int k = 0; k < n; k++) sum[k] += (double)v[k];
        }
    for (int k = 0; k < n; k++) to[k] = (float)(sum[k] / pixels);
    pt_values_put(y, (size_t)n, to);
}

/* One row of one image's output. */
PT_CLONES
static void mean_row(void *context, int item, int thread)
{
    const pool_job *j = context;
    const pt_avg_pool *s = j->s;
    const side down = rows_of(s), across = columns_of(s);
    size_t c = (size_t)s->c, image = (size_t)(item / s->out_h);
    pt_values x = pt_values_from(j->in, image * (size_t)s->h * (size_t)s->w * c);
    pt_values y = pt_values_from(j->out, (size_t)item * (size_t)s->out_w * c);
    range rows = window(&down, item % s->out_h);

    for (int ow = 0; ow < s->out_w; ow++, y = pt_values_from(y, c)) {
        range columns = window(&across, ow);
        size_t b = 0;

        for (; b + BLOCK <= c; b += BLOCK)
            mean(s, pt_values_from(x, b), rows, columns, BLOCK, pt_values_from(y, b));
        if (b < c)
            mean(s, pt_values_from(x, b), rows, columns, (int)(c - b),
                 pt_values_from(y, b));
    }
}

void pt_avg_pool_forward(pt_threads *p, const pt_avg_pool *s, int n_images, pt_values x,
                         pt_values y)
{
    pool_job j = {.s = s, .in = x, .out = y};

    pt_threads_run(p, n_images * s->out_h, mean_row, &j);
}

/* ---- backward --------------------------------------------------------------------- */

/* n <= BLOCK channels of the gradient at one pixel, of these windows of an image's dy. */
static inline __attribute__((always_inline)) void gather(const pt_avg_pool *s,
                                                         pt_values dy, range rows,
                                                         range columns, int n,
                                                         bool accumulate, pt_values dx)
{
    const side down = rows_of(s), across = columns_of(s);
    double sum[BLOCK] = {0};
    float room[BLOCK], *to = pt_values_open(dx, (size_t)n, accumulate, room);

    for (int oh = rows.from; oh < rows.to; oh++)
        for (int ow = columns.from; ow < columns.to; ow++) {
            size_t at = ((size_t)oh * (size_t)s->out_w + (size_t)ow) * (size_t)s->c;
            float room_dy[BLOCK];
            const float *g = pt_values_read(pt_values_from(dy, at), (size_t)n, room_dy);
            double pixels = (double)window(&down, oh).n * window(&across, ow).n;

            for (int k = 0; k < n; k++) sum[k] += (double)g[k] / pixels;
        }
    for (int k = 0; k < n; k++)
        to[k] = accumulate ? to[k] + (float)sum[k] : (float)sum[k];
    pt_values_put(dx, (size_t)n, to);
}

/* One row of one image's input gradient. */
PT_CLONES
static void gather_row(void *context, int item, int thread)
{
    const pool_job *j = context;
    const pt_avg_pool *s = j->s;
    const side down = rows_of(s), across = columns_of(s);
    size_t c = (size_t)s->c, image = (size_t)(item / s->h);
    pt_values dy = pt_values_from(j->in, image * (size_t)s->out_h * (size_t)s->out_w * c);
    pt_values dx = pt_values_from(j->out, (size_t)item * (size_t)s->w * c);
    range rows = holders(&down, item % s->h);

    for (int iw = 0; iw < s->w; iw++, dx = pt_values_from(dx, c)) {
        range columns = holders(&across, iw);
        size_t b = 0;

        for (; b + BLOCK <= c; b += BLOCK)
            gather(s, pt_values_from(dy, b), rows, columns, BLOCK, j->accumulate,
                   pt_values_from(dx, b));
        if (b < c)
            gather(s, pt_values_from(dy, b), rows, columns, (int)(c - b), j->accumulate,
                   pt_values_from(dx, b));
    }
}

void pt_avg_pool_backward(pt_threads *p, const pt_avg_pool *s, int n_images, pt_values dy,
                          bool accumulate, pt_values dx)
{
    pool_job j = {.s = s, .in = dy, .accumulate = accumulate, .out = dx};

    pt_threads_run(p, n_images * s->h, gather_row, &j);
}
