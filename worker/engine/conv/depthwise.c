/* Forward and data pass are one: an output pixel is a chain of taps times inputs. They
 * differ in how the outputs and the inputs of an axis lie to each other (axis, below).
 * The loops follow memory, channels inside: what bounds them is how fast it can be read
 * and written. Some rows whose windows have the same taps are computed together, so that
 * a weight is loaded once for them and an input comes from memory once; pixels side by
 * side would share as much, but then no row is read or written from one end to the
 * other, which took twice as long from 64 channels on. */
#include "worker/engine/conv/depthwise.h"

#include "common/base/sizes.h"
#include "worker/engine/value_lanes.h"

enum {
    BLOCK_FLOATS = 64 * 1024, /* of the written image per item, about */
    ROWS = 4                  /* at most, computed together */
};

/* One axis of the two images. Outputs `out_step` apart see the same weights; their inputs
 * lie `in_step` apart. The taps of an output go through the inputs by `tap`, 1 or -1, and
 * through the weights by `w_step`. */
typedef struct {
    int n_in, n_out, kernel, pad, in_step, out_step, tap, w_step;
} axis;

/* Taps of an output along one axis: the first one's input and weight, and how many. */
typedef struct {
    int in, w, n;
} taps;

typedef struct {
    size_t channels;
    axis v, h;
    int rows, n_blocks; /* an item writes `rows` rows of an image */
    pt_values in, out;
    const float *w, *bias;
    bool accumulate;
} pass;

/* Steps in values. */
typedef struct {
    ptrdiff_t channels, in_row, in_tap, in_next, w_row, w_tap, out_next;
} steps;

/* A pixel of each of some rows. */
typedef struct {
    steps by;
    pt_values in, out;     /* of the first one's first tap; flags are constants */
    const float *w, *bias; /* bias may be NULL */
    bool accumulate;
    int n_rows; /* of the window that lie inside */
} tile;

/* All taps of output `at`, also those that lie outside. Forward they go from input at *
 * stride - pad up and take every weight; the data pass goes from output (at + pad) /
 * stride down and takes every stride-th weight. */
static taps taps_of(const axis *a, int at)
{
    int w = a->tap > 0 ? 0 : (at + a->pad) % a->out_step;
    int in = a->tap > 0 ? at * a->in_step - a->pad : (at + a->pad) / a->out_step;

    return (taps){in, w, w < a->kernel ? (a->kernel - w - 1) / a->w_step + 1 : 0};
}

/* Those that lie inside; {0} if there are none. */
static taps inside(const axis *a, taps t)
{
    int before = pt_max_int(0, a->tap > 0 ? -t.in : t.in - a->n_in + 1);
    int end = pt_min_int(t.n, a->tap > 0 ? a->n_in - t.in : t.in + 1);

    if (before >= end) return (taps){0};
    return (taps){t.in + a->tap * before, t.w + a->w_step * before, end - before};
}

/* Channels c..c+n-1 of n_together pixels, one below the other. */
PT_INLINE void lanes(const tile *t, int n_together, int n_columns, ptrdiff_t c, size_t n)
{
    pt_lanes sum[ROWS] = {{0}};

    for (int k = 0; t->bias && k < n_together; k++) sum[k] = pt_load(t->bias + c, n);
    for (int i = 0; i < t->n_rows; i++) {
        ptrdiff_t in = i * t->by.in_row + c;
        const float *w = t->w + i * t->by.w_row + c;

        for (int j = 0; j < n_columns; j++, in += t->by.in_tap, w += t->by.w_tap) {
            pt_lanes v = pt_load(w, n);

            for (int k = 0; k < n_together; k++)
                sum[k] +=
                    pt_values_load(pt_values_from(t->in, in + k * t->by.in_next), n) * v;
        }
    }
    for (int k = 0; k < n_together; k++) {
        ptrdiff_t out = k * t->by.out_next + c;

        if (t->accumulate)
            sum[k] = pt_values_load(pt_values_from(t->out, out), n) + sum[k];
        pt_values_store(pt_values_from(t->out, out), sum[k], n);
    }
}

/* As many whole lanes as there are; returns the channel after them. */
PT_INLINE ptrdiff_t whole_lanes(const tile *t, int n_together, int n_columns)
{
    ptrdiff_t c = 0;

    for (; c + PT_LANES <= t->by.channels; c += PT_LANES)
        lanes(t, n_together, n_columns, c, PT_LANES);
    return c;
}

PT_INLINE void all_lanes(tile t, int n_together, int n_columns)
{
    ptrdiff_t c = n_columns == 3 ? whole_lanes(&t, n_together, 3)
                                 : whole_lanes(&t, n_together, n_columns);

    if (c < t.by.channels)
        lanes(&t, n_together, n_columns, c, (size_t)(t.by.channels - c));
}

static steps steps_of(const pass *p)
{
    ptrdiff_t c = (ptrdiff_t)p->channels, in_row = p->h.n_in * c;

    return (steps){.channels = c,
                   .in_row = p->v.tap * in_row,
                   .in_tap = p->h.tap * c,
                   .in_next = p->v.in_step * in_row,
                   .w_row = p->v.w_step * p->h.kernel * c,
                   .w_tap = p->h.w_step * c,
                   .out_next = p->v.out_step * p->h.n_out * c};
}

/* n_together rows. in: an image; v: of the first row; out: the first row. */
PT_INLINE void sweep(const pass *p, pt_values in, taps v, int n_together, pt_values out)
{
    tile t = {
        .by = steps_of(p), .bias = p->bias, .accumulate = p->accumulate, .n_rows = v.n};

    for (int at = 0; at < p->h.n_out; at++) {
        taps h = inside(&p->h, taps_of(&p->h, at));

        t.out = pt_values_from(out, (size_t)at * p->channels);
        t.in = pt_values_from(in, (size_t)(v.in * p->h.n_in + h.in) * p->channels);
        t.w = p->w + ((ptrdiff_t)v.w * p->h.kernel + h.w) * t.by.channels;
        all_lanes(t, n_together, h.n);
    }
}

PT_INLINE void some_rows(const pass *p, pt_values in, taps v, int n, pt_values out)
{
    if (n == ROWS)
        sweep(p, in, v, ROWS, out);
    else if (n == 2)
        sweep(p, in, v, 2, out);
    else
        sweep(p, in, v, 1, out);
}

PT_CLONES_256 static void rows_of_floats(const pass *p, pt_values in, taps v, int n,
                                         pt_values out)
{
    some_rows(p, pt_floats(in.at), v, n, pt_floats(out.at));
}

PT_CLONES_256 static void rows_of_bf16(const pass *p, pt_values in, taps v, int n,
                                       pt_values out)
{
    some_rows(p, (pt_values){in.at, true}, v, n, (pt_values){out.at, true});
}

/* One is stored so and the other is not, as beside the network's input. */
PT_CLONES_256 static void row_of_both(const pass *p, pt_values in, taps v, int one,
                                      pt_values out)
{
    sweep(p, in, v, 1, out);
}

/* How many rows from `row` to before `end` are computed together: ROWS, 2 or 1. */
static int rows_together(const pass *p, taps v, int row, int end)
{
    int n = p->in.bf16 == p->out.bf16 ? ROWS : 1;

    for (; n > 1; n /= 2) {
        int last = row + (n - 1) * p->v.out_step;
        taps other = inside(&p->v, taps_of(&p->v, last));

        if (last < end && v.n > 0 && v.n == other.n && v.w == other.w) break;
    }
    return n;
}

static void rows_item(void *context, int index, int thread)
{
    const pass *p = context;
    size_t image = (size_t)(index / p->n_blocks),
           out_row = (size_t)p->h.n_out * p->channels;
    pt_values in = pt_values_from(p->in, image * (size_t)p->v.n_in * (size_t)p->h.n_in *
                                             p->channels);
    pt_values out = pt_values_from(p->out, image * (size_t)p->v.n_out * out_row);
    int first = index % p->n_blocks * p->rows;
    int end = pt_min_int(first + p->rows, p->v.n_out);
    void (*rows)(const pass *, pt_values, taps, int, pt_values) =
        in.bf16 != out.bf16 ? row_of_both
        : in.bf16           ? rows_of_bf16
                            : rows_of_floats;

    for (int i = 0; i < p->v.out_step; i++)
        for (int row = first + i, n; row < end; row += n * p->v.out_step) {
            taps v = inside(&p->v, taps_of(&p->v, row));

            n = rows_together(p, v, row, end);
            rows(p, in, v, n, pt_values_from(out, (size_t)row * out_row));
        }
}

static void run(pt_threads *pool, pass *p, int n_images)
{
    size_t together = ROWS * (size_t)p->v.out_step,
           row = (size_t)p->h.n_out * p->channels;
    size_t rows = pt_max_size(together, BLOCK_FLOATS / row / together * together);

    p->rows = (int)pt_min_size((size_t)p->v.n_out, rows);
    p->n_blocks = pt_parts((size_t)p->v.n_out, (size_t)p->rows);
    pt_threads_run(pool, n_images * p->n_blocks, rows_item, p);
}

static axis forward_axis(int n_in, int n_out, int kernel, int pad, int stride)
{
    return (axis){n_in, n_out, kernel, pad, .in_step = stride, 1, .tap = 1, .w_step = 1};
}

static axis data_axis(int n_in, int n_out, int kernel, int pad, int stride)
{
    return (axis){n_in, n_out, kernel, pad, 1, .out_step = stride, -1, .w_step = stride};
}

void pt_depthwise_forward(pt_threads *pool, const pt_conv_shape *s, int n_images,
                          pt_values x, const float *w, const float *bias, pt_values y,
                          float *scratch)
{
    pass p = {.channels = (size_t)s->c_in,
              .v = forward_axis(s->h, s->out_h, s->kh, s->pad_top, s->stride),
              .h = forward_axis(s->w, s->out_w, s->kw, s->pad_left, s->stride),
              .in = x,
              .w = w,
              .bias = bias,
              .out = y};

    run(pool, &p, n_images);
}

void pt_depthwise_backward_data(pt_threads *pool, const pt_conv_shape *s, int n_images,
                                pt_values dy, const float *w, bool accumulate,
                                pt_values dx, float *scratch)
{
    pass p = {.channels = (size_t)s->c_in,
              .v = data_axis(s->out_h, s->h, s->kh, s->pad_top, s->stride),
              .h = data_axis(s->out_w, s->w, s->kw, s->pad_left, s->stride),
              .in = dy,
              .w = w,
              .accumulate = accumulate,
              .out = dx};

    run(pool, &p, n_images);
}
