#include "worker/engine/layers/pool2d.h"

#include <string.h>

#include "common/base/simd.h"
#include "common/base/sizes.h"

#define INLINE static inline __attribute__((always_inline))

enum {
    BLOCK = 64, /* channels that are worked on at a time */
    FEW = 4     /* windows */
};

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

/* n <= BLOCK channels of a window that lies inside the image, x its first pixel. With
 * constants for kh and kw the maxima and their places stay in registers; places of 32
 * bits, so that one mask selects both. */
INLINE void whole_window(const pt_max_pool *s, int kh, int kw, const float *x, size_t n,
                         float *y, uint8_t *argmax)
{
    size_t c = (size_t)s->c, row = (size_t)s->w * c;
    int32_t places[BLOCK];

#pragma GCC ivdep
    for (size_t j = 0; j < n; j++) {
        float best = x[j];
        int32_t place = 0;

#pragma GCC unroll 9
        for (int k = 1; k < kh * kw; k++) {
            float v = x[(size_t)(k / kw) * row + (size_t)(k % kw) * c + j];
            bool wins = v > best || v != v;

            best = wins ? v : best;
            place = wins ? k : place;
        }
        y[j] = best;
        places[j] = place;
    }
    if (!argmax) return;
    for (size_t j = 0; j < n; j++) argmax[j] = (uint8_t)places[j];
}

/* n <= BLOCK channels of any window: what of it is inside image x. */
INLINE void cut_window(const pt_max_pool *s, const float *x, int top, int left, size_t n,
                       float *y, uint8_t *argmax)
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

INLINE void window_max(const pt_max_pool *s, const float *x, int top, int left, size_t n,
                       float *y, uint8_t *argmax)
{
    bool whole = top >= 0 && left >= 0 && top + s->kh <= s->h && left + s->kw <= s->w;
    const float *corner = x;

    if (whole) corner += ((size_t)top * (size_t)s->w + (size_t)left) * (size_t)s->c;
    if (whole && s->kh == 3 && s->kw == 3)
        whole_window(s, 3, 3, corner, n, y, argmax);
    else if (whole && s->kh == 2 && s->kw == 2)
        whole_window(s, 2, 2, corner, n, y, argmax);
    else
        cut_window(s, x, top, left, n, y, argmax);
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

/* Windows begin .. end-1 of a row (or column) hold a pixel. */
typedef struct {
    int begin, end;
} range;

/* From the range of an earlier pixel to that of pixel `at`, counted from the first of the
 * padding. */
static void advance(range *r, int at, int kernel, int stride, int n_windows)
{
    while (r->begin * stride + kernel <= at) r->begin++;
    while (r->end < n_windows && r->end * stride <= at) r->end++;
}

/* Pixel (a, b), counted from the padding's corner, and its windows. */
typedef struct {
    const pt_max_pool *s;
    int a, b;
    range rows, columns;
} pixel;

/* One of them: its first channel in the output, and the pixel's place in it. */
typedef struct {
    size_t at;
    int32_t place;
} window;

static window window_at(const pixel *p, int oh, int ow)
{
    const pt_max_pool *s = p->s;

    return (window){((size_t)oh * (size_t)s->out_w + (size_t)ow) * (size_t)s->c,
                    (p->a - oh * s->stride) * s->kw + p->b - ow * s->stride};
}

/* The gradient at a pixel of n windows: the sum over those whose maximum it is. With a
 * constant for n it stays in registers. */
INLINE void gather_few(const window *w, int n, size_t c, const float *dy,
                       const uint8_t *from, const float *mask, float *dx)
{
#pragma GCC ivdep
    for (size_t j = 0; j < c; j++) {
        float sum = 0;

#pragma GCC unroll 4
        for (int k = 0; k < n; k++) {
            float g = dy[w[k].at + j];

            sum += (int32_t)from[w[k].at + j] == w[k].place ? g : 0.0f;
        }
        dx[j] = mask && mask[j] <= 0.0f ? 0.0f : sum;
    }
}

/* The same for any number of windows, and added to dx or not; c <= BLOCK. */
INLINE void gather_block(const pixel *p, size_t c, const float *dy, const uint8_t *from,
                         bool accumulate, const float *mask, float *dx)
{
    float sum[BLOCK] = {0};

    for (int oh = p->rows.begin; oh < p->rows.end; oh++) {
        for (int ow = p->columns.begin; ow < p->columns.end; ow++) {
            window w = window_at(p, oh, ow);

            for (size_t j = 0; j < c; j++) {
                float g = dy[w.at + j];

                sum[j] += (int32_t)from[w.at + j] == w.place ? g : 0.0f;
            }
        }
    }
    for (size_t j = 0; j < c; j++) dx[j] = accumulate ? dx[j] + sum[j] : sum[j];
    if (!mask) return;
    for (size_t j = 0; j < c; j++) dx[j] = mask[j] <= 0.0f ? 0.0f : dx[j];
}

PT_CLONES
static void gather_any(const pixel *p, size_t c, const float *dy, const uint8_t *from,
                       bool accumulate, const float *mask, float *dx)
{
    size_t b = 0;

    for (; b + BLOCK <= c; b += BLOCK)
        gather_block(p, BLOCK, dy + b, from + b, accumulate, mask ? mask + b : NULL,
                     dx + b);
    if (b < c)
        gather_block(p, c - b, dy + b, from + b, accumulate, mask ? mask + b : NULL,
                     dx + b);
}

/* Windows of 2 x 2 and of 3 x 3 that are 2 apart meet in 1, 2 or 4. */
INLINE void gather(const pixel *p, size_t c, const float *dy, const uint8_t *from,
                   bool accumulate, const float *mask, float *dx)
{
    int n_rows = p->rows.end - p->rows.begin,
        n_columns = p->columns.end - p->columns.begin;
    window w[FEW];

    if (accumulate || n_rows < 1 || n_rows > 2 || n_columns < 1 || n_columns > 2) {
        gather_any(p, c, dy, from, accumulate, mask, dx);
        return;
    }
    for (int i = 0; i < n_rows; i++)
        for (int k = 0; k < n_columns; k++)
            w[i * n_columns + k] = window_at(p, p->rows.begin + i, p->columns.begin + k);
    if (n_rows * n_columns == 1)
        gather_few(w, 1, c, dy, from, mask, dx);
    else if (n_rows * n_columns == 2)
        gather_few(w, 2, c, dy, from, mask, dx);
    else
        gather_few(w, 4, c, dy, from, mask, dx);
}

/* One row of one image's input gradient. */
PT_CLONES
static void max_back_row(void *context, int item, int thread)
{
    const pool_job *j = context;
    const pt_max_pool *s = j->s;
    size_t c = (size_t)s->c, row = (size_t)item, at = row * (size_t)s->w * c;
    size_t from = row / (size_t)s->h * (size_t)s->out_h * (size_t)s->out_w * c;
    pixel p = {.s = s, .a = (int)(row % (size_t)s->h) + s->pad_top};

    advance(&p.rows, p.a, s->kh, s->stride, s->out_h);
    for (int iw = 0; iw < s->w; iw++, at += c) {
        p.b = iw + s->pad_left;
        advance(&p.columns, p.b, s->kw, s->stride, s->out_w);
        if (j->mask)
            gather(&p, c, j->in + from, j->from + from, j->accumulate, j->mask + at,
                   j->out + at);
        else
            gather(&p, c, j->in + from, j->from + from, j->accumulate, NULL, j->out + at);
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
