/* Gradients of a depthwise convolution's weights, in tiles of channels (leaves.h). Rows
 * of x and dy are copied before they are used, sixteen channels after another: memory is
 * read from one end to the other, and the pixels of a channel, which lie so far apart in
 * a map that they share a few sets of the cache, get close together. A value of dy that
 * was loaded serves several kernel rows. */
#include "common/base/sizes.h"
#include "worker/engine/conv/depthwise.h"
#include "worker/engine/conv/leaves.h"
#include "worker/engine/layers/bias.h"
#include "worker/engine/value_lanes.h"

enum {
    GROUP = 16,              /* channels side by side in a copy: a cache line */
    CHAINS = 4,              /* of a tap along a row */
    ROWS = 3,                /* kernel rows together: ROWS * CHAINS sums in registers */
    CACHE_FLOATS = 64 * 1024 /* copies and sums of a tile */
};

typedef struct {
    pt_conv_shape s;
    pt_values x, dy;
    size_t width; /* of a tile, a multiple of GROUP */
} layer;

/* Channels c..c+n-1, and a thread's scratch. */
typedef struct {
    const layer *l;
    size_t c, n;
    int n_groups;
    pt_lanes_f64 *sum; /* [n_groups][2][kh][kw] */
    float *x;          /* [kh][n_groups][w][GROUP]: input row i is at i % kh */
    float *dy;         /* [n_groups][out_w][GROUP] */
} tile;

static size_t taps_of(const pt_conv_shape *s)
{
    return (size_t)s->kh * (size_t)s->kw;
}

static float *x_row(const tile *t, int row)
{
    const pt_conv_shape *s = &t->l->s;

    return t->x + (size_t)((row % s->kh) * t->n_groups) * (size_t)s->w * GROUP;
}

PT_INLINE void copy_values(pt_values v, size_t n, float *to)
{
    if (v.bf16)
        pt_values_widen(v.at, n, to);
    else
        memcpy(to, v.at, n * sizeof *to);
}

/* row: n_pixels at the tile's first channel. to [n_groups][n_pixels][GROUP]; what lies
 * beyond the tile's last channel is not written. */
PT_CLONES static void copy_row(const tile *t, pt_values row, int n_pixels, float *to)
{
    size_t step = (size_t)n_pixels * GROUP, whole = t->n / GROUP * GROUP;

    for (int i = 0; i < n_pixels; i++, to += GROUP) {
        pt_values pixel = pt_values_from(row, (size_t)i * (size_t)t->l->s.c_in);
        float *at = to;

        for (size_t c = 0; c < whole; c += GROUP, at += step)
            copy_values(pt_values_from(pixel, c), GROUP, at);
        if (whole < t->n) copy_values(pt_values_from(pixel, whole), t->n - whole, at);
    }
}

/* Adds to sum[i * step] the products of row i of x with dy over n_pixels that lie x_step
 * apart in x: four chains, then double. */
PT_INLINE void dots(const float *const x[], size_t x_step, const float *dy, int n_pixels,
                    int n_rows, pt_lanes_f64 *sum, int step)
{
    pt_lanes chain[ROWS][CHAINS] = {{{0}}};
    size_t at = 0;
    int k = 0;

    for (; k + CHAINS <= n_pixels; k += CHAINS) {
        for (int j = 0; j < CHAINS; j++, at += x_step, dy += GROUP) {
            pt_lanes v = pt_load(dy, PT_LANES);

            for (int i = 0; i < n_rows; i++)
                chain[i][j] += pt_load(x[i] + at, PT_LANES) * v;
        }
    }
    for (; k < n_pixels; k++, at += x_step, dy += GROUP)
        for (int i = 0; i < n_rows; i++)
            chain[i][0] += pt_load(x[i] + at, PT_LANES) * pt_load(dy, PT_LANES);
    for (int i = 0; i < n_rows; i++) {
        pt_lanes v = (chain[i][0] + chain[i][1]) + (chain[i][2] + chain[i][3]);

        sum[i * step] += __builtin_convertvector(v, pt_lanes_f64);
    }
}

/* Column kj of n_rows kernel rows. x: the input rows; sum: of the first row. */
PT_INLINE void add_column(const pt_conv_shape *s, const float *const x[], const float *dy,
                          int n_rows, int kj, pt_lanes_f64 *sum)
{
    int x0 = kj - s->pad_left; /* column for output 0 */
    int first = x0 < 0 ? (s->stride - 1 - x0) / s->stride : 0;
    int end = s->w > x0 ? (s->w - 1 - x0) / s->stride + 1 : 0;
    const float *at[ROWS];

    end = pt_min_int(end, s->out_w);
    if (first >= end) return;
    for (int i = 0; i < n_rows; i++) at[i] = x[i] + (first * s->stride + x0) * GROUP;
    dots(at, (size_t)s->stride * GROUP, dy + first * GROUP, end - first, n_rows, sum + kj,
         s->kw);
}

/* Eight channels, `c` the first one's place, of an output row whose window begins at
 * input row y0; all rows are in the scratch. */
PT_CLONES static void add_row(const tile *t, int c, int y0)
{
    const pt_conv_shape *s = &t->l->s;
    int ki = pt_max_int(0, -y0), end = pt_min_int(s->kh, s->h - y0), n;
    int group = c / GROUP, lane = c % GROUP;
    const float *dy = t->dy + group * s->out_w * GROUP + lane;

    for (; ki < end; ki += n) {
        pt_lanes_f64 *sum = t->sum + (c / PT_LANES * s->kh + ki) * s->kw;
        const float *x[ROWS];

        n = pt_min_int(ROWS, end - ki);
        for (int i = 0; i < n; i++)
            x[i] = x_row(t, y0 + ki + i) + group * s->w * GROUP + lane;
        for (int kj = 0; kj < s->kw; kj++) {
            if (n == 3) add_column(s, x, dy, 3, kj, sum);
            if (n == 2) add_column(s, x, dy, 2, kj, sum);
            if (n == 1) add_column(s, x, dy, 1, kj, sum);
        }
    }
}

static void add_image(const tile *t, size_t image)
{
    const pt_conv_shape *s = &t->l->s;
    size_t channels = (size_t)s->c_in, row = (size_t)s->w * channels;
    pt_values x = pt_values_from(t->l->x, image * (size_t)s->h * row + t->c);
    pt_values dy = pt_values_from(t->l->dy, image * pt_conv_pixels(s) * channels + t->c);
    int copied = 0; /* input rows before this one are done with or in the scratch */

    for (int oy = 0; oy < s->out_h; oy++) {
        int y0 = oy * s->stride - s->pad_top;

        copied = pt_max_int(copied, y0);
        for (; copied < pt_min_int(s->h, y0 + s->kh); copied++)
            copy_row(t, pt_values_from(x, (size_t)copied * row), s->w, x_row(t, copied));
        copy_row(t, pt_values_from(dy, (size_t)oy * (size_t)s->out_w * channels),
                 s->out_w, t->dy);
        for (int c = 0; c < (int)t->n; c += PT_LANES) add_row(t, c, y0);
    }
}

/* ---- for leaves.h ----------------------------------------------------------------- */

static size_t sum_floats(const layer *l)
{
    return l->width * taps_of(&l->s) * 2;
}

static size_t x_floats(const layer *l)
{
    return l->width * (size_t)l->s.kh * (size_t)l->s.w;
}

static tile tile_of(const layer *l, int index, float *scratch)
{
    size_t c = (size_t)index * l->width, n = pt_min_size(l->width, (size_t)l->s.c_in - c);
    tile t = {.l = l, .c = c, .n = n, .n_groups = pt_parts(n, GROUP)};

    if (!scratch) return t;
    t.sum = (pt_lanes_f64 *)scratch;
    t.x = scratch + sum_floats(l);
    t.dy = t.x + x_floats(l);
    return t;
}

static size_t floats(const void *context, int index)
{
    const layer *l = context;

    return tile_of(l, index, NULL).n * taps_of(&l->s);
}

/* out [kh][kw][n]. */
static void leaf(const void *context, int index, size_t begin, size_t end, float *scratch,
                 float *out)
{
    const layer *l = context;
    tile t = tile_of(l, index, scratch);
    size_t taps = taps_of(&l->s);

    memset(t.sum, 0, sum_floats(l) * sizeof *scratch);
    for (size_t image = begin; image < end; image++) add_image(&t, image);
    for (size_t k = 0; k < taps; k++)
        for (size_t c = 0; c < t.n; c++)
            *out++ = (float)t.sum[c / PT_LANES * taps + k][c % PT_LANES];
}

static void put(const void *context, int index, const float *sum, float *dw)
{
    const layer *l = context;
    tile t = tile_of(l, index, NULL);

    for (size_t k = 0; k < taps_of(&l->s); k++, sum += t.n)
        memcpy(dw + k * (size_t)l->s.c_in + t.c, sum, t.n * sizeof *sum);
}

/* Tiles are as wide as the cache allows, but enough for the threads. */
static layer layer_of(const pt_conv_shape *s, const pt_span *span, int n_threads)
{
    size_t channels = (size_t)s->c_in, taps = taps_of(s);
    size_t of_channel = (size_t)s->kh * (size_t)s->w + (size_t)s->out_w + 2 * taps;
    size_t fit = CACHE_FLOATS / of_channel / GROUP * GROUP;
    int wanted = pt_leaves_tiles(taps * channels, span, n_threads);
    layer l = {.s = *s, .width = pt_max_size(fit, GROUP)};

    l.width = pt_min_size(l.width, pt_round_up(channels, GROUP));
    while (l.width > GROUP && pt_parts(channels, l.width) < wanted) l.width -= GROUP;
    return l;
}

static pt_leaves leaves_of(const layer *l)
{
    size_t dy_floats = l->width * (size_t)l->s.out_w;

    return (pt_leaves){.layer = l,
                       .n_tiles = pt_parts((size_t)l->s.c_in, l->width),
                       .max_floats = l->width * taps_of(&l->s),
                       .leaf_scratch =
                           pt_whole_lines(sum_floats(l) + x_floats(l) + dy_floats),
                       .floats = floats,
                       .leaf = leaf,
                       .put = put};
}

void pt_depthwise_backward_weights(pt_threads *pool, const pt_conv_shape *s,
                                   const pt_span *span, pt_values x, pt_values dy,
                                   float *const *dw, float *const *db, float *scratch)
{
    layer l = layer_of(s, span, pt_threads_count(pool));
    pt_leaves leaves = leaves_of(&l);

    l.x = x;
    l.dy = dy;
    pt_leaves_run(pool, &leaves, span, dw, scratch);
    if (db) pt_bias_gradient(pool, span, pt_conv_pixels(s), s->c_out, dy, db, scratch);
}

size_t pt_depthwise_scratch(const pt_conv_shape *s, const pt_span *span, int n_threads)
{
    layer l = layer_of(s, span, n_threads);
    pt_leaves leaves = leaves_of(&l);

    return pt_max_size(pt_leaves_scratch(&leaves, span, n_threads),
                       pt_bias_scratch(s->c_out, span->n_shards));
}
