#include "worker/engine/conv/winograd.h"

#include <string.h>

#include "common/base/sizes.h"
#include "common/gemm/gemm.h"
#include "worker/engine/conv/winograd_tiles.h"

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
    const pt_winograd_lanes *lanes = pt_winograd_lanes_in_use();

    if (!p->turned) {
        lanes->filter(p->w + column, c_in * c_out, c_out, n, c_in, p->filter_floats, to);
        return;
    }
    for (size_t row = 0; row < c_in; row += PT_PANEL, to += PT_PANEL * PT_PANEL) {
        float taps[9][PT_PANEL][PT_PANEL] = {{{0}}};
        size_t rows = pt_min_size(PT_PANEL, c_in - row);

        turned_rows(p, column, n, row, rows, taps);
        lanes->filter(taps[0][0], PT_PANEL * PT_PANEL, PT_PANEL, PT_PANEL, rows,
                      p->filter_floats, to);
    }
}

/* ---- tiles ------------------------------------------------------------------------ */

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
    pt_winograd_output o = {&p->s, p->bias, p->mask, p->y, p->accumulate, p->relu};
    const pt_winograd_lanes *lanes = pt_winograd_lanes_in_use();
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
            lanes->output(&o, image, row * PT_TILE, column * PT_TILE, c, n,
                          m + t * COLUMNS, m_step);
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
