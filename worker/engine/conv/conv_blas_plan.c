#include "worker/engine/conv/conv_blas_plan.h"

/* Measured on one Zen 4 core with bench_conv; multiply-adds are called work. */
enum {
    WINDOW_FLOATS = 128 * 1024,     /* of a block: 512 KB, half of a usual L2 */
    PLAIN_FLOATS = 64 * 1024,       /* the same where x is read in place */
    MIN_PIXELS = 196,               /* unless the image has less: packing w pays ... */
    MIN_PIXELS_LONG = 96,           /* ... but no more of them where that takes ... */
    LONG_WORK = 250 * 1000 * 1000,  /* ... more than this, about 5 ms */
    UNPACKED_WORK = 1000 * 1000,    /* OpenBLAS packs nothing up to here: faster */
    TILE_FLOATS = 64 * 1024,        /* of a gradient's tile: 256 KB */
    TILE_WORK = LONG_WORK / 2,      /* of one image for a tile */
    TILE_WINDOW_FLOATS = 32 * 1024, /* of windows and dy for a tile */
    MIN_TILE_ROWS = 64,
    MIN_TILES = 4 /* something to do for each of a few threads */
};

static int cut(int n, size_t at_most, int *n_parts)
{
    int part = (int)pt_max_size(1, pt_min_size(at_most, (size_t)n));

    *n_parts = (n + part - 1) / part;
    return (n + *n_parts - 1) / *n_parts; /* equal parts */
}

pt_conv_blocks pt_conv_blocks_of(const pt_conv_shape *s)
{
    size_t depth = pt_conv_depth(s), work = depth * (size_t)s->c_out; /* of a pixel */
    size_t pixels = pt_conv_is_plain(s) ? PLAIN_FLOATS / (depth + (size_t)s->c_out)
                                        : WINDOW_FLOATS / depth;
    pt_conv_blocks b;

    pixels = pt_max_size(pixels, MIN_PIXELS);
    pixels = pt_min_size(pixels, pt_max_size(LONG_WORK / work, MIN_PIXELS_LONG));
    if (UNPACKED_WORK / work >= MIN_PIXELS_LONG) {
        pixels = pt_min_size(pixels, UNPACKED_WORK / work);
    }
    b.rows = cut(s->out_h, pixels / (size_t)s->out_w, &b.n_blocks);
    return b;
}

pt_conv_tiles pt_conv_tiles_of(const pt_conv_shape *s)
{
    size_t depth = pt_conv_depth(s), c_out = (size_t)s->c_out;
    size_t pixels = (size_t)s->out_h * (size_t)s->out_w;
    size_t rows = pt_min_size(TILE_FLOATS, TILE_WORK / pixels) / c_out;
    pt_conv_tiles p = {.n_by_channels = 1, .channels = s->c_in};

    rows = pt_min_size(rows, depth / MIN_TILES);
    rows = pt_max_size(rows, MIN_TILE_ROWS);
    p.taps = cut(s->kh * s->kw, rows / (size_t)s->c_in, &p.n_by_taps);
    if (rows < (size_t)s->c_in) {
        p.channels = cut(s->c_in, rows, &p.n_by_channels);
        p.channels =
            (int)pt_min_size((size_t)(p.channels + 15) / 16 * 16, (size_t)s->c_in);
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
    size_t rows = (size_t)p->taps * (size_t)p->channels, c_out = (size_t)s->c_out;
    size_t pixels =
        pt_min_size(TILE_WINDOW_FLOATS / (rows + c_out), UNPACKED_WORK / (rows * c_out));
    pt_conv_blocks b;

    pixels = pt_max_size(pixels, MIN_PIXELS_LONG);
    b.rows = cut(s->out_h, pixels / (size_t)s->out_w, &b.n_blocks);
    return b;
}
