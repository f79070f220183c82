#include "worker/engine/layers/pool2d.h"

#include <string.h>

#include "common/base/simd.h"
#include "common/base/sizes.h"

enum {
    BLOCK = 64, /* channels that are worked on at a time */
    FEW = 4     /* windows */
};

typedef struct {
    const pt_max_pool *s;
    pt_values in, out, mask;
    uint8_t *argmax;
    const uint8_t *from;
    bool accumulate;
} pool_job;

/* ---- forward ---------------------------------------------------------------------- */

/* Pixels of a window as floats, `row` and `pixel` apart. */
typedef struct {
    const float *at;
    size_t row, pixel;
} window_floats;

/* n <= BLOCK channels of a window that lies inside the image, x its first pixel: where
 * they are, or in room [kh * kw][n]. */
PT_INLINE window_floats read_window(const pt_max_pool *s, int kh, int kw, pt_values x,
                                    size_t n, float *room)
{
    size_t c = (size_t)s->c, row = (size_t)s->w * c;

    if (!x.bf16) return (window_floats){x.at, row, c};
    for (int k = 0; k < kh * kw; k++)
        pt_values_widen((const uint16_t *)x.at + (size_t)(k / kw) * row +
                            (size_t)(k % kw) * c,
                        n, room + (size_t)k * n);
    return (window_floats){room, (size_t)kw * n, n};
}

/* Their maxima. With constants for kh and kw these and their places stay in registers;
 * places of 32 bits, so that one mask selects both. */
PT_INLINE void whole_window(const pt_max_pool *s, int kh, int kw, pt_values x, size_t n,
                            float *y, uint8_t *argmax)
{
    float room[9 * BLOCK];
    window_floats w = read_window(s, kh, kw, x, n, room);
    int32_t places[BLOCK];

    PT_INDEPENDENT
    for (size_t j = 0; j < n; j++) {
        float best = w.at[j];
        int32_t place = 0;

        PT_UNROLL(9)
        for (int k = 1; k < kh * kw; k++) {
            float v = w.at[(size_t)(k / kw) * w.row + (size_t)(k % kw) * w.pixel + j];
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
PT_INLINE void cut_window(const pt_max_pool *s, pt_values x, int top, int left, size_t n,
                          float *y, uint8_t *argmax)
{
    int ih0 = pt_max_int(top, 0), ih1 = pt_min_int(top + s->kh, s->h);
    int iw0 = pt_max_int(left, 0), iw1 = pt_min_int(left + s->kw, s->w);
    float best[BLOCK], room[BLOCK];
    int32_t place[BLOCK];
    bool first = true;

    for (int ih = ih0; ih < ih1; ih++) {
        for (int iw = iw0; iw < iw1; iw++) {
            size_t at = ((size_t)ih * (size_t)s->w + (size_t)iw) * (size_t)s->c;
            const float *v = pt_values_read(pt_values_from(x, at), n, room);
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

PT_INLINE void window_max(const pt_max_pool *s, pt_values x, int top, int left, size_t n,
                          pt_values out, uint8_t *argmax)
{
    bool whole = top >= 0 && left >= 0 && top + s->kh <= s->h && left + s->kw <= s->w;
    float room[BLOCK], *y = pt_values_open(out, n, false, room);
    pt_values corner = x;

    if (whole)
        corner =
            pt_values_from(x, ((size_t)top * (size_t)s->w + (size_t)left) * (size_t)s->c);
    if (whole && s->kh == 3 && s->kw == 3)
        whole_window(s, 3, 3, corner, n, y, argmax);
    else if (whole && s->kh == 2 && s->kw == 2)
        whole_window(s, 2, 2, corner, n, y, argmax);
    else
        cut_window(s, x, top, left, n, y, argmax);
    pt_values_put(out, n, y);
}

/* One row of one image's output. */
PT_CLONES
static void max_row(void *context, int item, int thread)
{
    const pool_job *j = context;
    const pt_max_pool *s = j->s;
    size_t c = (size_t)s->c, row = (size_t)item;
    size_t image = row / (size_t)s->out_h;
    pt_values x = pt_values_from(j->in, image * (size_t)s->h * (size_t)s->w * c);
    int top = (int)(row % (size_t)s->out_h) * s->stride - s->pad_top;

    for (int ow = 0; ow < s->out_w; ow++) {
        size_t at = (row * (size_t)s->out_w + (size_t)ow) * c, b = 0;
        int left = ow * s->stride - s->pad_left;

        for (; b + BLOCK <= c; b += BLOCK)
            window_max(s, pt_values_from(x, b), top, left, BLOCK,
                       pt_values_from(j->out, at + b),
                       j->argmax ? j->argmax + at + b : NULL);
        if (b < c)
            window_max(s, pt_values_from(x, b), top, left, c - b,
                       pt_values_from(j->out, at + b),
                       j->argmax ? j->argmax + at + b : NULL);
    }
}

void pt_max_pool_forward(pt_threads *p, const pt_max_pool *s, int n_images, pt_values x,
                         pt_values y, uint8_t *argmax)
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

/* Some channels of a window: its gradient, its maxima's places, the pixel's place. */
typedef struct {
    const float *dy;
    const uint8_t *from;
    int32_t place;
} seen;

/* The gradient at a pixel of n windows: the sum over those whose maximum it is. With a
 * constant for n it stays in registers. */
PT_INLINE void gather_few(const seen *w, int n, size_t c, const float *mask, float *dx)
{
    PT_INDEPENDENT
    for (size_t j = 0; j < c; j++) {
        float sum = 0;

        PT_UNROLL(4)
        for (int k = 0; k < n; k++) {
            float g = w[k].dy[j];

            sum += (int32_t)w[k].from[j] == w[k].place ? g : 0.0f;
        }
        dx[j] = mask && mask[j] <= 0.0f ? 0.0f : sum;
    }
}

PT_INLINE void gather_known(const seen *w, int n, size_t c, const float *mask, float *dx)
{
    if (n == 1)
        gather_few(w, 1, c, mask, dx);
    else if (n == 2)
        gather_few(w, 2, c, mask, dx);
    else
        gather_few(w, 4, c, mask, dx);
}

/* c <= BLOCK channels, the first one at `at` of dx and `from` of the image's windows, of
 * any number of windows; added to dx or not. */
PT_INLINE void gather_block(const pixel *p, const pool_job *j, size_t from, size_t at,
                            size_t c)
{
    pt_values out = pt_values_from(j->out, at);
    float sum[BLOCK] = {0}, room[BLOCK], room_dx[BLOCK];
    float *dx = pt_values_open(out, c, j->accumulate, room_dx);

    for (int oh = p->rows.begin; oh < p->rows.end; oh++) {
        for (int ow = p->columns.begin; ow < p->columns.end; ow++) {
            window w = window_at(p, oh, ow);
            const float *dy = pt_values_read(pt_values_from(j->in, from + w.at), c, room);
            const uint8_t *place = j->from + from + w.at;

            for (size_t i = 0; i < c; i++) {
                float g = dy[i];

                sum[i] += (int32_t)place[i] == w.place ? g : 0.0f;
            }
        }
    }
    for (size_t i = 0; i < c; i++) dx[i] = j->accumulate ? dx[i] + sum[i] : sum[i];
    if (j->mask.at) {
        const float *mask = pt_values_read(pt_values_from(j->mask, at), c, room);

        for (size_t i = 0; i < c; i++) dx[i] = mask[i] <= 0.0f ? 0.0f : dx[i];
    }
    pt_values_put(out, c, dx);
}

PT_CLONES
static void gather_any(const pixel *p, const pool_job *j, size_t from, size_t at)
{
    size_t b = 0, c = (size_t)p->s->c;

    for (; b + BLOCK <= c; b += BLOCK) gather_block(p, j, from + b, at + b, BLOCK);
    if (b < c) gather_block(p, j, from + b, at + b, c - b);
}

/* c channels of 1, 2 or 4 windows; in rooms where they are stored as bfloat16. */
PT_INLINE void gather_windows(const pool_job *j, const window *w, int n, size_t from,
                              size_t at, size_t c)
{
    float room[FEW][BLOCK], room_mask[BLOCK], room_dx[BLOCK];
    pt_values out = pt_values_from(j->out, at);
    const float *mask = NULL;
    float *dx = pt_values_open(out, c, false, room_dx);
    seen s[FEW];

    for (int k = 0; k < n; k++) {
        pt_values dy = pt_values_from(j->in, from + w[k].at);

        s[k] =
            (seen){pt_values_read(dy, c, room[k]), j->from + from + w[k].at, w[k].place};
    }
    if (j->mask.at) mask = pt_values_read(pt_values_from(j->mask, at), c, room_mask);
    if (mask)
        gather_known(s, n, c, mask, dx);
    else
        gather_known(s, n, c, NULL, dx);
    pt_values_put(out, c, dx);
}

/* Windows of 2 x 2 and of 3 x 3 that are 2 apart meet in 1, 2 or 4. */
PT_INLINE void gather(const pixel *p, const pool_job *j, size_t from, size_t at)
{
    int n_rows = p->rows.end - p->rows.begin,
        n_columns = p->columns.end - p->columns.begin;
    size_t c = (size_t)p->s->c, n;
    bool floats = !j->in.bf16 && !j->out.bf16 && !j->mask.bf16;
    window w[FEW];

    if (j->accumulate || n_rows < 1 || n_rows > 2 || n_columns < 1 || n_columns > 2) {
        gather_any(p, j, from, at);
        return;
    }
    for (int i = 0; i < n_rows; i++)
        for (int k = 0; k < n_columns; k++)
            w[i * n_columns + k] = window_at(p, p->rows.begin + i, p->columns.begin + k);
    for (size_t b = 0; b < c; b += n) {
        n = floats ? c : pt_min_size(BLOCK, c - b);
        gather_windows(j, w, n_rows * n_columns, from + b, at + b, n);
    }
}

/* One row of one image's input gradient. */
PT_INLINE void back_row(const pool_job *j, size_t row)
{
    const pt_max_pool *s = j->s;
    size_t c = (size_t)s->c, at = row * (size_t)s->w * c;
    size_t from = row / (size_t)s->h * (size_t)s->out_h * (size_t)s->out_w * c;
    pixel p = {.s = s, .a = (int)(row % (size_t)s->h) + s->pad_top};

    advance(&p.rows, p.a, s->kh, s->stride, s->out_h);
    for (int iw = 0; iw < s->w; iw++, at += c) {
        p.b = iw + s->pad_left;
        advance(&p.columns, p.b, s->kw, s->stride, s->out_w);
        gather(&p, j, from, at);
    }
}

/* Floats have a copy of their own, which asks for no value what it is. */
PT_CLONES
static void max_back_row(void *context, int item, int thread)
{
    pool_job j = *(const pool_job *)context;

    if (j.in.bf16 || j.out.bf16 || j.mask.bf16) {
        back_row(&j, (size_t)item);
        return;
    }
    j.in.bf16 = j.out.bf16 = j.mask.bf16 = false;
    back_row(&j, (size_t)item);
}

void pt_max_pool_backward(pt_threads *p, const pt_max_pool *s, int n_images, pt_values dy,
                          const uint8_t *argmax, bool accumulate, pt_values mask,
                          pt_values dx)
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
    pt_values in;
    bool accumulate;
    pt_values out;
} avg_job;

/* One image. */
PT_CLONES
static void avg_item(void *context, int item, int thread)
{
    const avg_job *j = context;
    size_t c = j->c;
    pt_values x = pt_values_from(j->in, (size_t)item * j->pixels * c);
    pt_values y = pt_values_from(j->out, (size_t)item * c);

    for (size_t b = 0; b < c; b += BLOCK) {
        size_t n = c - b < BLOCK ? c - b : BLOCK;
        double sum[BLOCK] = {0};
        float room[BLOCK], *to = pt_values_open(pt_values_from(y, b), n, false, room);

        for (size_t r = 0; r < j->pixels; r++) {
            float room_x[BLOCK];
            const float *v = pt_values_read(pt_values_from(x, r * c + b), n, room_x);

            for (size_t k = 0; k < n; k++) sum[k] += (double)v[k];
        }
        for (size_t k = 0; k < n; k++) to[k] = (float)(sum[k] / (double)j->pixels);
        pt_values_put(pt_values_from(y, b), n, to);
    }
}

void pt_global_avg_forward(pt_threads *p, int n_images, size_t pixels, int c, pt_values x,
                           pt_values y)
{
    avg_job j = {.pixels = pixels, .c = (size_t)c, .in = x, .out = y};

    pt_threads_run(p, n_images, avg_item, &j);
}

PT_CLONES
static void avg_back_item(void *context, int item, int thread)
{
    const avg_job *j = context;
    size_t c = j->c;
    float pixels = (float)j->pixels, room_dy[BLOCK], room[BLOCK];
    size_t first = (size_t)item * j->pixels * c, n;

    for (size_t r = 0; r < j->pixels; r++)
        for (size_t b = 0; b < c; b += n) {
            n = c - b < BLOCK ? c - b : BLOCK;
            pt_values out = pt_values_from(j->out, first + r * c + b);
            const float *dy =
                pt_values_read(pt_values_from(j->in, (size_t)item * c + b), n, room_dy);
            float *dx = pt_values_open(out, n, j->accumulate, room);

            PT_INDEPENDENT
            for (size_t k = 0; k < n; k++)
                dx[k] = j->accumulate ? dx[k] + dy[k] / pixels : dy[k] / pixels;
            pt_values_put(out, n, dx);
        }
}

void pt_global_avg_backward(pt_threads *p, int n_images, size_t pixels, int c,
                            pt_values dy, bool accumulate, pt_values dx)
{
    avg_job j = {pixels, (size_t)c, dy, accumulate, dx};

    pt_threads_run(p, n_images, avg_back_item, &j);
}
