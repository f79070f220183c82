#include "worker/engine/conv_plan.h"

enum {
    COL_FLOATS = 128 * 1024, /* windows at a time: 512 KB, half of a usual L2 */
    MIN_PIXELS = 196,        /* unless the image has less: amortises packing w ... */
    MIN_PIXELS_LONG = 96,    /* ... where that would take longer than ... */
    LONG_WORK = 250 * 1000 * 1000, /* ... this many multiply-adds, about 5 ms */
    TILE_FLOATS = 64 * 1024,
    TILE_WORK = LONG_WORK / 2,
    MIN_TILE_ROWS = 64
};

static size_t max_size(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

static int cut(int n, size_t at_most, int *n_parts)
{
    int part = (int)max_size(1, min_size(at_most, (size_t)n));

    *n_parts = (n + part - 1) / part;
    return (n + *n_parts - 1) / *n_parts; /* equal parts */
}

bool pt_conv_is_plain(const pt_conv_shape *s)
{
    return s->kh == 1 && s->kw == 1 && s->stride == 1 && s->pad_top == 0 &&
           s->pad_left == 0 && s->out_h == s->h && s->out_w == s->w;
}

size_t pt_conv_depth(const pt_conv_shape *s)
{
    return (size_t)s->kh * (size_t)s->kw * (size_t)s->c_in;
}

pt_conv_blocks pt_conv_blocks_of(const pt_conv_shape *s)
{
    size_t depth = pt_conv_depth(s);
    size_t by_work = LONG_WORK / (depth * (size_t)s->c_out);
    size_t pixels = max_size(by_work, MIN_PIXELS_LONG);
    pt_conv_blocks b;

    if (!pt_conv_is_plain(s)) {
        pixels = min_size(pixels, max_size(COL_FLOATS / depth, MIN_PIXELS));
    }
    b.rows = cut(s->out_h, pixels / (size_t)s->out_w, &b.n_blocks);
    return b;
}

pt_conv_tiles pt_conv_tiles_of(const pt_conv_shape *s)
{
    size_t depth = pt_conv_depth(s), c_out = (size_t)s->c_out;
    size_t pixels = (size_t)s->out_h * (size_t)s->out_w;
    size_t rows = min_size(TILE_FLOATS, TILE_WORK / pixels) / c_out;
    pt_conv_tiles p = {.n_by_channels = 1, .channels = s->c_in};

    rows = min_size(rows, depth / 4); /* something to do for each of a few threads */
    rows = max_size(rows, MIN_TILE_ROWS);
    p.taps = cut(s->kh * s->kw, rows / (size_t)s->c_in, &p.n_by_taps);
    if (rows < (size_t)s->c_in) {
        p.channels = cut(s->c_in, rows, &p.n_by_channels);
        p.channels = (int)min_size((size_t)(p.channels + 15) / 16 * 16, (size_t)s->c_in);
        p.n_by_channels = (s->c_in + p.channels - 1) / p.channels;
    }
    p.max_floats = (size_t)p.taps * (size_t)p.channels * c_out;
    return p;
}

pt_taps pt_conv_tile(const pt_conv_shape *s, const pt_conv_tiles *p, int tile)
{
    int i = tile / p->n_by_channels, j = tile % p->n_by_channels;
    pt_taps t = {i * p->taps, p->taps, j * p->channels, p->channels};

    if (t.tap0 + t.n_taps > s->kh * s->kw) t.n_taps = s->kh * s->kw - t.tap0;
    if (t.c0 + t.n_c > s->c_in) t.n_c = s->c_in - t.c0;
    return t;
}

size_t pt_conv_tile_begin(const pt_conv_shape *s, const pt_taps *t)
{
    return (size_t)t->tap0 * (size_t)s->c_in + (size_t)t->c0;
}

size_t pt_conv_tile_rows(const pt_taps *t)
{
    return (size_t)t->n_taps * (size_t)t->n_c;
}

pt_conv_blocks pt_conv_weight_blocks_of(const pt_conv_shape *s, const pt_conv_tiles *p)
{
    size_t width = (size_t)p->taps * (size_t)p->channels + (size_t)s->c_out;
    size_t pixels = max_size(COL_FLOATS / width, MIN_PIXELS);
    pt_conv_blocks b;

    b.rows = cut(s->out_h, pixels / (size_t)s->out_w, &b.n_blocks);
    return b;
}
