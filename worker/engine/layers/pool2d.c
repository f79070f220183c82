#include "worker/engine/layers/pool2d.h"

#include <string.h>

#include "common/base/simd.h"
#include "common/base/sizes.h"

enum { BLOCK = 64 }; /* channels that are worked on at a time */

typedef struct {
    const pt_max_pool *s;
    const float *in;
    float *out;
    uint8_t *argmax;
    const uint8_t *from;
    bool accumulate;
    const float *mask;
} pool_job;

/* ---- forward ---------------------------------------------------------------------- */

/* n <= BLOCK channels of one window: rows ih0..ih1-1, columns iw0..iw1-1 of an image. */
static inline __attribute__((always_inline)) void window_max(const pt_max_pool *s,
                                                             const float *x, int top,
                                                             int left, size_t n, float *y,
                                                             uint8_t *argmax)
{
    int ih0 = pt_max_int(top, 0), ih1 = pt_min_int(top + s->kh, s->h);
    int iw0 = pt_max_int(left, 0), iw1 = pt_min_int(left + s->kw, s->w);
    float best[BLOCK];
    int32_t place[BLOCK];
    bool first = true;

    for (int ih = ih0; ih < ih1; ih++) {
        for (int iw = iw0; iw < iw1; iw++) {
            const float *v = x + ((size_t)ih * (size_t)s->w + (size_t)iw) * (size_t)s->c;
            int32_t k = (ih - top) * s->kw + iw - left;

            for (size_t j = 0; j < n; j++) {
                bool wins = first || v[j] > best[j] || v[j] != v[j];

                best[j] = wins ? v[j] : best[j];
                place[j] = wins ? k : place[j];
            }
            first = false;
        }
    }
    memcpy(y, best, n * sizeof *y);
    if (!argmax) return;
    for (size_t j = 0; j < n; j++) argmax[j] = (uint8_t)place[j];
}

/* One row of one image's output. */
PT_CLONES
static void max_row(void *context, int item, int thread)
{
    const pool_job *j = context;
    const pt_max_pool *s = j->s;
    size_t c = (size_t)s->c, row = (size_t)item;
    size_t image = row / (size_t)s->out_h;
    const float *x = j->in + image * (size_t)s->h * (size_t)s->w * c;
    int top = (int)(row % (size_t)s->out_h) * s->stride - s->pad_top;

    for (int ow = 0; ow < s->out_w; ow++) {
        size_t at = (row * (size_t)s->out_w + (size_t)ow) * c, b = 0;
        int left = ow * s->stride - s->pad_left;

        for (; b + BLOCK <= c; b += BLOCK)
            window_max(s, x + b, top, left, BLOCK, j->out + at + b,
                       j->argmax ? j->argmax + at + b : NULL);
        if (b < c)
            window_max(s, x + b, top, left, c - b, j->out + at + b,
                       j->argmax ? j->argmax + at + b : NULL);
    }
}

void pt_max_pool_forward(pt_threads *p, const pt_max_pool *s, int n_images,
                         const float *x, float *y, uint8_t *argmax)
{
    pool_job j = {.s = s, .in = x, .out = y, .argmax = argmax};

    pt_threads_run(p, n_images * s->out_h, max_row, &j);
}

/* ---- backward --------------------------------------------------------------------- */

/* n <= BLOCK channels of the gradient at input pixel (ih, iw): the sum over the windows
 * whose maximum it is. */
static inline __attribute__((always_inline)) void
gather(const pt_max_pool *s, const float *dy, const uint8_t *from, int ih, int iw,
       size_t n, bool accumulate, const float *mask, float *dx)
{
    int a = ih + s->pad_top, b = iw + s->pad_left;
    int oh0 = a < s->kh ? 0 : (a - s->kh) / s->stride + 1;
    int ow0 = b < s->kw ? 0 : (b - s->kw) / s->stride + 1;
    int oh1 = pt_min_int(a / s->stride + 1, s->out_h);
    int ow1 = pt_min_int(b / s->stride + 1, s->out_w);
    float sum[BLOCK] = {0};

    for (int oh = oh0; oh < oh1; oh++) {
        for (int ow = ow0; ow < ow1; ow++) {
            size_t at = ((size_t)oh * (size_t)s->out_w + (size_t)ow) * (size_t)s->c;
            int32_t k = (a - oh * s->stride) * s->kw + b - ow * s->stride;

            for (size_t j = 0; j < n; j++)
                sum[j] += (int32_t)from[at + j] == k ? dy[at + j] : 0.0f;
        }
    }
    for (size_t j = 0; j < n; j++) dx[j] = accumulate ? dx[j] + sum[j] : sum[j];
    if (!mask) return;
    for (size_t j = 0; j < n; j++) dx[j] = mask[j] <= 0.0f ? 0.0f : dx[j];
}

/* One row of one image's input gradient. */
PT_CLONES
static void max_back_row(void *context, int item, int thread)
{
    const pool_job *j = context;
    const pt_max_pool *s = j->s;
    size_t c = (size_t)s->c, row = (size_t)item;
    size_t image = row / (size_t)s->h;
    size_t from = image * (size_t)s->out_h * (size_t)s->out_w * c;
    int ih = (int)(row % (size_t)s->h);

    for (int iw = 0; iw < s->w; iw++) {
        size_t at = (row * (size_t)s->w + (size_t)iw) * c, b = 0;
        const float *mask = j->mask ? j->mask + at : NULL;
        float *dx = j->out + at;

        for (; b + BLOCK <= c; b += BLOCK)
            gather(s, j->in + from + b, j->from + from + b, ih, iw, BLOCK, j->accumulate,
                   mask ? mask + b : NULL, dx + b);
        if (b < c)
            gather(s, j->in + from + b, j->from + from + b, ih, iw, c - b, j->accumulate,
                   mask ? mask + b : NULL, dx + b);
    }
}

void pt_max_pool_backward(pt_threads *p, const pt_max_pool *s, int n_images,
                          const float *dy, const uint8_t *argmax, bool accumulate,
                          const float *mask, float *dx)
{
    pool_job j = {.s = s,
                  .in = dy,
                  .from = argmax,
                  .out = dx,
                  .accumulate = accumulate,
                  .mask = mask};

    pt_threads_run(p, n_images * s->h, max_back_row, &j);
}

/* ---- global average --------------------------------------------------------------- */

typedef struct {
    size_t pixels, c;
    const float *in;
    bool accumulate;
    float *out;
} avg_job;

/* One image. */
PT_CLONES
static void avg_item(void *context, int item, int thread)
{
    const avg_job *j = context;
    size_t c = j->c;
    const float *x = j->in + (size_t)item * j->pixels * c;
    float *y = j->out + (size_t)item * c;

    for (size_t b = 0; b < c; b += BLOCK) {
        size_t n = c - b < BLOCK ? c - b : BLOCK;
        double sum[BLOCK] = {0};

        for (size_t r = 0; r < j->pixels; r++)
            for (size_t k = 0; k < n; k++) sum[k] += (double)x[r * c + b + k];
        for (size_t k = 0; k < n; k++) y[b + k] = (float)(sum[k] / (double)j->pixels);
    }
}

void pt_global_avg_forward(pt_threads *p, int n_images, size_t pixels, int c,
                           const float *x, float *y)
{
    avg_job j = {.pixels = pixels, .c = (size_t)c, .in = x, .out = y};

    pt_threads_run(p, n_images, avg_item, &j);
}

PT_CLONES
static void avg_back_item(void *context, int item, int thread)
{
    const avg_job *j = context;
    size_t c = j->c;
    const float *dy = j->in + (size_t)item * c;
    float *dx = j->out + (size_t)item * j->pixels * c;
    float n = (float)j->pixels;

    for (size_t r = 0; r < j->pixels; r++, dx += c) {
#pragma GCC ivdep
        for (size_t k = 0; k < c; k++)
            dx[k] = j->accumulate ? dx[k] + dy[k] / n : dy[k] / n;
    }
}

void pt_global_avg_backward(pt_threads *p, int n_images, size_t pixels, int c,
                            const float *dy, bool accumulate, float *dx)
{
    avg_job j = {pixels, (size_t)c, dy, accumulate, dx};

    pt_threads_run(p, n_images, avg_back_item, &j);
}
