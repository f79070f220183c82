#include "worker/engine/conv/winograd.h"

#include <string.h>

#include "common/base/sizes.h"
#include "common/gemm/gemm.h"
#include "worker/engine/conv/winograd_tiles.h"
#include "worker/engine/value_lanes.h"

enum {
    MIN_CHANNELS = 16,
    COLUMNS = 64, /* of the output that are multiplied and transformed at a time */
    PAD = 16,     /* floats: rows of a block begin in different cache sets */
    SMALL_BLOCK = 24,
    BLOCK = 48,
    LARGE_BLOCK = 96,    /* tiles of an item ... */
    SMALL_CHANNELS = 64, /* ... up to this many channels: all in the L2 cache */
    LARGE_FILTERS = 2 * 1024 * 1024 /* ... with more floats than this: few passes */
};

typedef struct {
    pt_conv_shape s; /* of the convolution that is computed */
    bool turned;     /* w belongs to the convolution whose data pass this is */
    pt_tile_grid grid;
    size_t n_tiles, block; /* of all images; of an item */
    const float *w, *bias;
    pt_values x, mask, y;
    bool accumulate, relu;
    float *filters;                  /* [36][filter_floats]: panels of each point */
    float *scratch;                  /* [threads][scratch_floats] */
    size_t filter_floats, row, step; /* of the transformed input: [36][step], rows */
    size_t scratch_floats;
} pass;

bool pt_winograd_fits(const pt_conv_shape *s)
{
    return s->kh == 3 && s->kw == 3 && s->stride == 1 && s->c_in >= MIN_CHANNELS &&
           s->c_out >= MIN_CHANNELS;
}

static void plan(pass *p, int n_images, int n_threads)
{
    size_t c_in = (size_t)p->s.c_in, c_out = (size_t)p->s.c_out;
    size_t share;

    p->grid = pt_tiles_of(&p->s);
    p->n_tiles = (size_t)n_images * (size_t)p->grid.rows * (size_t)p->grid.columns;
    p->filter_floats = pt_gemm_packed_floats(c_in, c_out) + PAD;
    p->block = p->filter_floats * PT_POINTS > LARGE_FILTERS ? LARGE_BLOCK
               : c_in > SMALL_CHANNELS                      ? BLOCK
                                                            : SMALL_BLOCK;
    share = p->n_tiles / (2 * (size_t)n_threads) + 1; /* work for every thread */
    if (n_threads > 1 && p->block > share) p->block = pt_max_size(share, 6);
    p->row = pt_whole_lines(c_in) + PAD;
    p->step = p->block * p->row + PAD;
    p->scratch_floats = PT_POINTS * (p->step + p->block * COLUMNS + PAD);
}

/* ---- filters ---------------------------------------------------------------------- */

/* One panel of all points from 9 taps of [c_in][16] floats. */
PT_CLONES static void filter_panel(const pass *p, const float *taps, size_t tap_step,
                                   size_t row_step, size_t n, size_t rows, float *to)
{
    for (size_t i = 0; i < rows; i++, taps += row_step, to += PT_PANEL) {
        pt_lanes g[9], u[PT_POINTS];

        for (int t = 0; t < 9; t++) g[t] = pt_load(taps + (size_t)t * tap_step, n);
        pt_transform_filter(g, u);
        for (int t = 0; t < PT_POINTS; t++)
            pt_store(to + (size_t)t * p->filter_floats, u[t], PT_PANEL);
    }
}

/* Sixteen rows [n_out] of the turned filters of one panel: taps in reverse, channels
 * swapped. */
static void turned_rows(const pass *p, size_t column, size_t n, size_t row, size_t rows,
                        float taps[9][PT_PANEL][PT_PANEL])
{
    size_t n_in = (size_t)p->s.c_in, n_out = (size_t)p->s.c_out; /* of this pass */

    for (size_t t = 0; t < 9; t++) {
        const float *w = p->w + ((8 - t) * n_out + column) * n_in + row;

        for (size_t j = 0; j < n; j++)
            for (size_t i = 0; i < rows; i++) taps[t][i][j] = w[j * n_in + i];
    }
}

/* An item is a panel. */
static void filter_item(void *context, int item, int thread)
{
    const pass *p = context;
    size_t c_in = (size_t)p->s.c_in, c_out = (size_t)p->s.c_out;
    size_t column = (size_t)item * PT_PANEL, n = pt_min_size(PT_PANEL, c_out - column);
    float *to = p->filters + (size_t)item * c_in * PT_PANEL;

    if (!p->turned) {
        filter_panel(p, p->w + column, c_in * c_out, c_out, n, c_in, to);
        return;
    }
    for (size_t row = 0; row < c_in; row += PT_PANEL, to += PT_PANEL * PT_PANEL) {
        float taps[9][PT_PANEL][PT_PANEL] = {{{0}}};
        size_t rows = pt_min_size(PT_PANEL, c_in - row);

        turned_rows(p, column, n, row, rows, taps);
        filter_panel(p, taps[0][0], PT_PANEL * PT_PANEL, PT_PANEL, PT_PANEL, rows, to);
    }
}

/* ---- tiles ------------------------------------------------------------------------ */

/* One tile of the output for n <= 16 channels from `c`; m[point * step]. */
PT_INLINE void output_lanes(const pass *p, bool bf16, size_t image, int row, int column,
                            size_t c, size_t n, const float *m, size_t step)
{
    const pt_conv_shape *s = &p->s;
    pt_lanes t[PT_POINTS], y[PT_TILE * PT_TILE], zero = {0};
    pt_lanes bias = p->bias ? pt_load(p->bias + c, n) : zero;

    for (int i = 0; i < PT_POINTS; i++) t[i] = pt_load(m + (size_t)i * step, PT_LANES);
    pt_transform_output(t, y);
    for (int i = 0; i < PT_TILE && row + i < s->out_h; i++)
        for (int j = 0; j < PT_TILE && column + j < s->out_w; j++) {
            size_t at =
                (image * (size_t)s->out_h + (size_t)(row + i)) * (size_t)s->out_w +
                (size_t)(column + j);
            pt_values to = {p->y.at, bf16};
            pt_lanes v = y[i * PT_TILE + j];

            at = at * (size_t)s->c_out + c;
            to = pt_values_from(to, at);
            if (p->bias) v += bias;
            if (p->accumulate) v += pt_values_load(to, n);
            if (p->relu) v = pt_above_zero(v);
            if (p->mask.at)
                v = pt_where_positive(pt_values_load(pt_values_from(p->mask, at), n), v);
            pt_values_store(to, v, n);
        }
}

PT_INLINE void output_channels(const pass *p, bool bf16, size_t image, int row,
                               int column, size_t first, size_t n, const float *m,
                               size_t step)
{
    size_t c = 0;

    for (; c + PT_LANES <= n; c += PT_LANES)
        output_lanes(p, bf16, image, row, column, first + c, PT_LANES, m + c, step);
    if (c < n) output_lanes(p, bf16, image, row, column, first + c, n - c, m + c, step);
}

PT_CLONES static void output_tile(const pass *p, size_t image, int row, int column,
                                  size_t first, size_t n, const float *m, size_t step)
{
    if (p->y.bf16)
        output_channels(p, true, image, row, column, first, n, m, step);
    else
        output_channels(p, false, image, row, column, first, n, m, step);
}

/* m [36][tiles][COLUMNS] = transformed input times filters, n columns from `column`. */
static void multiply(const pass *p, size_t tiles, size_t column, size_t n, const float *v,
                     float *m, size_t m_step)
{
    size_t c_in = (size_t)p->s.c_in;

    for (size_t i = 0; i < PT_POINTS; i++) {
        pt_product g = {.m = tiles,
                        .n = n,
                        .k = c_in,
                        .a = v + i * p->step,
                        .lda = p->row,
                        .b = p->filters + i * p->filter_floats + column * c_in,
                        .panel_step = c_in * PT_PANEL,
                        .c = m + i * m_step,
                        .ldc = COLUMNS};

        pt_gemm(&g);
    }
}

/* An item is a block of tiles. */
static void block_item(void *context, int item, int thread)
{
    const pass *p = context;
    const pt_conv_shape *s = &p->s;
    size_t first = (size_t)item * p->block, c_out = (size_t)s->c_out;
    size_t tiles = pt_min_size(p->block, p->n_tiles - first), image;
    size_t m_step = p->block * COLUMNS + PAD;
    size_t of_image = (size_t)s->h * (size_t)s->w * (size_t)s->c_in;
    float *v = p->scratch + (size_t)thread * p->scratch_floats;
    float *m = v + PT_POINTS * p->step;
    int row, column;

    for (size_t t = 0; t < tiles; t++) {
        pt_place_tile(p->grid, first + t, &image, &row, &column);
        pt_winograd_input(s, pt_values_from(p->x, image * of_image), row, column, 0,
                          (size_t)s->c_in, p->step, v + t * p->row);
    }
    for (size_t c = 0; c < c_out; c += COLUMNS) {
        size_t n = pt_min_size(COLUMNS, c_out - c);

        /* whole panels: the last one is filled up with zeros */
        multiply(p, tiles, c, pt_gemm_panels(n) * PT_PANEL, v, m, m_step);
        for (size_t t = 0; t < tiles; t++) {
            pt_place_tile(p->grid, first + t, &image, &row, &column);
            output_tile(p, image, row * PT_TILE, column * PT_TILE, c, n, m + t * COLUMNS,
                        m_step);
        }
    }
}

static void run(pt_threads *pool, pass *p, int n_images, float *scratch)
{
    plan(p, n_images, pt_threads_count(pool));
    p->filters = scratch;
    p->scratch = scratch + PT_POINTS * p->filter_floats;
    pt_threads_run(pool, (int)pt_gemm_panels((size_t)p->s.c_out), filter_item, p);
    pt_threads_run(pool, pt_parts(p->n_tiles, p->block), block_item, p);
}

void pt_winograd_forward(pt_threads *pool, const pt_conv_shape *s, int n_images,
                         pt_values x, const float *w, const float *bias, bool relu,
                         pt_values y, float *scratch)
{
    pass p = {.s = *s, .x = x, .w = w, .bias = bias, .relu = relu, .y = y};

    run(pool, &p, n_images, scratch);
}

void pt_winograd_data(pt_threads *pool, const pt_conv_shape *s, int n_images,
                      pt_values dy, const float *w, bool accumulate, pt_values mask,
                      pt_values dx, float *scratch)
{
    pass p = {.s = pt_conv_turned(s),
              .turned = true,
              .x = dy,
              .w = w,
              .accumulate = accumulate,
              .mask = mask,
              .y = dx};

    run(pool, &p, n_images, scratch);
}

size_t pt_winograd_scratch(const pt_conv_shape *s, int n_threads)
{
    size_t max = 0;

    for (int turned = 0; turned < 2; turned++) {
        pass p = {.s = turned ? pt_conv_turned(s) : *s};

        plan(&p, 1 << 20, n_threads); /* the largest blocks */
        max = pt_max_size(max, PT_POINTS * p.filter_floats +
                                   p.scratch_floats * (size_t)n_threads);
    }
    return max;
}
