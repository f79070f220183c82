#include "worker/engine/conv/im2col.h"

#include <string.h>

#include "common/base/sizes.h"

pt_taps pt_taps_all(const pt_conv_shape *s)
{
    return (pt_taps){0, s->kh * s->kw, 0, s->c_in};
}

/* n copies of len bytes; from and to advance by from_step and to_step. */
__attribute__((always_inline)) static inline void copy_fixed(char *to, size_t to_step,
                                                             const char *from,
                                                             size_t from_step, int n,
                                                             size_t len)
{
    for (int i = 0; i < n; i++, to += to_step, from += from_step) memcpy(to, from, len);
}

/* Short windows of few channels would spend their time in calls of memcpy: the lengths
 * of first layers (3x3x3 and 7x7x3 floats) are compiled in. */
static void copy_windows(char *to, size_t to_step, const char *from, size_t from_step,
                         int n, size_t len)
{
    switch (len) {
    case 4:
        copy_fixed(to, to_step, from, from_step, n, 4);
        break;
    case 12:
        copy_fixed(to, to_step, from, from_step, n, 12);
        break;
    case 32:
        copy_fixed(to, to_step, from, from_step, n, 32);
        break;
    case 36:
        copy_fixed(to, to_step, from, from_step, n, 36);
        break;
    case 64:
        copy_fixed(to, to_step, from, from_step, n, 64);
        break;
    case 84:
        copy_fixed(to, to_step, from, from_step, n, 84);
        break;
    case 96:
        copy_fixed(to, to_step, from, from_step, n, 96);
        break;
    case 192:
        copy_fixed(to, to_step, from, from_step, n, 192);
        break;
    default:
        copy_fixed(to, to_step, from, from_step, n, len);
    }
}

static void zero_windows(char *to, size_t to_step, int n, size_t len)
{
    for (int i = 0; i < n; i++, to += to_step) memset(to, 0, len);
}

/* A run of kernel columns kj0..kj1-1 of one kernel row: `bytes` of each pixel from its
 * byte `at` on; a pixel has `pixel` bytes. */
typedef struct {
    int kj0, kj1;
    size_t at, bytes, pixel;
} run;

/* One window that is partly outside, at column `x` of input row `row`. */
static void copy_edge(const pt_conv_shape *s, const run *r, const char *row, int x,
                      char *to)
{
    for (int kj = r->kj0; kj < r->kj1; kj++, to += r->bytes) {
        int ix = x + kj;

        if (ix < 0 || ix >= s->w)
            memset(to, 0, r->bytes);
        else
            memcpy(to, row + (size_t)ix * r->pixel + r->at, r->bytes);
    }
}

/* One run for all out_w windows of an output row; row: the input row, NULL if outside. */
static void copy_run(const pt_conv_shape *s, const run *r, const char *row, char *to,
                     size_t ld)
{
    size_t len = (size_t)(r->kj1 - r->kj0) * r->bytes;

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
    const char *from =
        row + (size_t)(begin * s->stride - s->pad_left + r->kj0) * r->pixel + r->at;
    copy_windows(to + (size_t)begin * ld, ld, from, (size_t)s->stride * r->pixel,
                 end - begin, len);
}

void pt_im2col(const pt_conv_shape *s, const pt_taps *t, int row0, int n_rows,
               pt_values image, void *col, size_t ld)
{
    size_t value = pt_value_bytes(image.bf16), pixel = (size_t)s->c_in * value;
    int tap1 = t->tap0 + t->n_taps;

    for (int oy = row0; oy < row0 + n_rows; oy++) {
        char *to = (char *)col + (size_t)(oy - row0) * (size_t)s->out_w * ld * value;

        for (int ki = t->tap0 / s->kw; ki * s->kw < tap1; ki++) {
            int iy = oy * s->stride - s->pad_top + ki;
            bool inside = iy >= 0 && iy < s->h;
            run r = {.kj0 = pt_max_int(t->tap0 - ki * s->kw, 0),
                     .kj1 = pt_min_int(tap1 - ki * s->kw, s->kw),
                     .at = (size_t)t->c0 * value,
                     .bytes = (size_t)t->n_c * value,
                     .pixel = pixel};
            const char *row =
                inside ? (const char *)image.at + (size_t)iy * (size_t)s->w * pixel
                       : NULL;

            copy_run(s, &r, row, to, ld * value);
            to += (size_t)(r.kj1 - r.kj0) * r.bytes;
        }
    }
}
