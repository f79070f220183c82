#include "worker/engine/layers/adaptive_pool.h"

#include <stddef.h>

#include "common/base/simd.h"

enum { BLOCK = 64 }; /* channels that are worked on at a time */

typedef struct {
    const pt_adaptive_pool *s;
    const float *in;
    bool accumulate;
    float *out;
} pool_job;

/* Pixels from..to-1 of a row or column of `in` that window i of `out` holds. */
typedef struct {
    int from, to;
} range;

static range window(int i, int in, int out)
{
    return (range){(int)((long)i * in / out),
                   (int)(((long)(i + 1) * in + out - 1) / out)};
}

/* The windows from..to-1 that hold pixel i. */
static range holders(int i, int in, int out)
{
    range r = {0, out};

    while (window(r.from, in, out).to <= i) r.from++;
    while (window(r.to - 1, in, out).from > i) r.to--;
    return r;
}

static int count(range r)
{
    return r.to - r.from;
}

/* ---- forward ---------------------------------------------------------------------- */

/* n <= BLOCK channels of one window. */
static inline __attribute__((always_inline)) void mean(const pt_adaptive_pool *s,
                                                       const float *x, range rows,
                                                       range columns, int n, float *y)
{
    double sum[BLOCK] = {0}, pixels = (double)count(rows) * count(columns);

    for (int ih = rows.from; ih < rows.to; ih++)
        for (int iw = columns.from; iw < columns.to; iw++) {
            const float *v = x + ((size_t)ih * (size_t)s->w + (size_t)iw) * (size_t)s->c;

            for (int k = 0; k < n; k++) sum[k] += (double)v[k];
        }
    for (int k = 0; k < n; k++) y[k] = (float)(sum[k] / pixels);
}

/* One row of one image's output. */
PT_CLONES
static void mean_row(void *context, int item, int thread)
{
    const pool_job *j = context;
    const pt_adaptive_pool *s = j->s;
    size_t c = (size_t)s->c, image = (size_t)(item / s->out_h);
    const float *x = j->in + image * (size_t)s->h * (size_t)s->w * c;
    float *y = j->out + (size_t)item * (size_t)s->out_w * c;
    range rows = window(item % s->out_h, s->h, s->out_h);

    for (int ow = 0; ow < s->out_w; ow++, y += c) {
        range columns = window(ow, s->w, s->out_w);
        int b = 0;

        for (; b + BLOCK <= s->c; b += BLOCK) mean(s, x + b, rows, columns, BLOCK, y + b);
        if (b < s->c) mean(s, x + b, rows, columns, s->c - b, y + b);
    }
}

void pt_adaptive_pool_forward(pt_threads *p, const pt_adaptive_pool *s, int n_images,
                              const float *x, float *y)
{
    pool_job j = {.s = s, .in = x, .out = y};

    pt_threads_run(p, n_images * s->out_h, mean_row, &j);
}

/* ---- backward --------------------------------------------------------------------- */

/* n <= BLOCK channels of the gradient at one pixel, of these windows of an image's dy. */
static inline __attribute__((always_inline)) void gather(const pt_adaptive_pool *s,
                                                         const float *dy, range rows,
                                                         range columns, int n,
                                                         bool accumulate, float *dx)
{
    double sum[BLOCK] = {0};

    for (int oh = rows.from; oh < rows.to; oh++)
        for (int ow = columns.from; ow < columns.to; ow++) {
            const float *g =
                dy + ((size_t)oh * (size_t)s->out_w + (size_t)ow) * (size_t)s->c;
            double pixels = (double)count(window(oh, s->h, s->out_h)) *
                            count(window(ow, s->w, s->out_w));

            for (int k = 0; k < n; k++) sum[k] += (double)g[k] / pixels;
        }
    for (int k = 0; k < n; k++)
        dx[k] = accumulate ? dx[k] + (float)sum[k] : (float)sum[k];
}

/* One row of one image's input gradient. */
PT_CLONES
static void gather_row(void *context, int item, int thread)
{
    const pool_job *j = context;
    const pt_adaptive_pool *s = j->s;
    size_t c = (size_t)s->c, image = (size_t)(item / s->h);
    const float *dy = j->in + image * (size_t)s->out_h * (size_t)s->out_w * c;
    float *dx = j->out + (size_t)item * (size_t)s->w * c;
    range rows = holders(item % s->h, s->h, s->out_h);

    for (int iw = 0; iw < s->w; iw++, dx += c) {
        range columns = holders(iw, s->w, s->out_w);
        int b = 0;

        for (; b + BLOCK <= s->c; b += BLOCK)
            gather(s, dy + b, rows, columns, BLOCK, j->accumulate, dx + b);
        if (b < s->c) gather(s, dy + b, rows, columns, s->c - b, j->accumulate, dx + b);
    }
}

void pt_adaptive_pool_backward(pt_threads *p, const pt_adaptive_pool *s, int n_images,
                               const float *dy, bool accumulate, float *dx)
{
    pool_job j = {.s = s, .in = dy, .accumulate = accumulate, .out = dx};

    pt_threads_run(p, n_images * s->h, gather_row, &j);
}
