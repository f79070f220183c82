#include "worker/engine/conv/im2col.h"

#include <string.h>

#include "common/base/sizes.h"

pt_taps pt_taps_all(const pt_conv_shape *s)
{
    return (pt_taps){0, s->kh * s->kw, 0, s->c_in};
}

/* n copies of len floats; from and to advance by from_step and to_step. */
__attribute__((always_inline)) static inline void copy_fixed(float *to, size_t to_step,
                                                             const float *from,
                                                             size_t from_step, int n,
                                                             size_t len)
{
    for (int i = 0; i < n; i++, to += to_step, from += from_step) {
        memcpy(to, from, len * sizeof *to);
    }
}

/* Short windows of few channels would spend their time in calls of memcpy: the lengths
 * of first layers (3x3x3 and 7x7x3) are compiled in. */
static void copy_windows(float *to, size_t to_step, const float *from, size_t from_step,
                         int n, size_t len)
{
    switch (len) {
    case 1:
        copy_fixed(to, to_step, from, from_step, n, 1);
        break;
    case 3:
        copy_fixed(to, to_step, from, from_step, n, 3);
        break;
    case 9:
        copy_fixed(to, to_step, from, from_step, n, 9);
        break;
    case 16:
        copy_fixed(to, to_step, from, from_step, n, 16);
        break;
    case 21:
        copy_fixed(to, to_step, from, from_step, n, 21);
        break;
    case 48:
        copy_fixed(to, to_step, from, from_step, n, 48);
        break;
    default:
        copy_fixed(to, to_step, from, from_step, n, len);
    }
}

static void zero_windows(float *to, size_t to_step, int n, size_t len)
{
    for (int i = 0; i < n; i++, to += to_step) memset(to, 0, len * sizeof *to);
}

/* A run of kernel columns kj0..kj1-1 of one kernel row. */
typedef struct {
    int kj0, kj1, c0, n_c;
} run;

/* One window that is partly outside, at column `x` of input row `row`. */
static void copy_edge(const pt_conv_shape *s, const run *r, const float *row, int x,
                      float *to)
{
    for (int kj = r->kj0; kj < r->kj1; kj++, to += r->n_c) {
        int ix = x + kj;

        if (ix < 0 || ix >= s->w) {
            memset(to, 0, (size_t)r->n_c * sizeof *to);
        } else {
            memcpy(to, row + (size_t)ix * (size_t)s->c_in + r->c0,
                   (size_t)r->n_c * sizeof *to);
        }
    }
}

/* One run for all out_w windows of an output row; row: the input row, NULL if outside. */
static void copy_run(const pt_conv_shape *s, const run *r, const float *row, float *to,
                     size_t ld)
{
    size_t len = (size_t)(r->kj1 - r->kj0) * (size_t)r->n_c;

    if (!row) {
        zero_windows(to, ld, s->out_w, len);
        return;
    }
    /* Windows begin..end-1 lie inside: 0 <= ox * stride - pad + kj < w for all kj. */
    int first = s->pad_left - r->kj0; /* the smallest ox * stride */
    int last = s->w - r->kj1 + s->pad_left;
    int begin = first > 0 ? (first + s->stride - 1) / s->stride : 0;
    int end = last >= 0 ? last / s->stride + 1 : 0;

    begin = pt_min_int(begin, s->out_w);
    end = pt_max_int(begin, pt_min_int(end, s->out_w));
    for (int ox = 0; ox < s->out_w; ox++) {
        if (ox == begin) ox = end;
        if (ox >= s->out_w) break;
        copy_edge(s, r, row, ox * s->stride - s->pad_left, to + (size_t)ox * ld);
    }
    if (begin == end) return;
    const float *from =
        row + (size_t)(begin * s->stride - s->pad_left + r->kj0) * (size_t)s->c_in +
        r->c0;
    copy_windows(to + (size_t)begin * ld, ld, from, (size_t)s->stride * (size_t)s->c_in,
                 end - begin, len);
}

void pt_im2col(const pt_conv_shape *s, const pt_taps *t, int row0, int n_rows,
               const float *image, float *col, size_t ld)
{
    size_t row_floats = (size_t)s->w * (size_t)s->c_in;
    int tap1 = t->tap0 + t->n_taps;

    for (int oy = row0; oy < row0 + n_rows; oy++) {
        float *to = col + (size_t)(oy - row0) * (size_t)s->out_w * ld;

        for (int ki = t->tap0 / s->kw; ki * s->kw < tap1; ki++) {
            int iy = oy * s->stride - s->pad_top + ki;
            bool inside = iy >= 0 && iy < s->h;
            run r = {pt_max_int(t->tap0 - ki * s->kw, 0),
                     pt_min_int(tap1 - ki * s->kw, s->kw), t->c0, t->n_c};

            copy_run(s, &r, inside ? image + (size_t)iy * row_floats : NULL, to, ld);
            to += (size_t)(r.kj1 - r.kj0) * (size_t)r.n_c;
        }
    }
}
