/* The gradient of a 3x3 convolution's weights, Winograd's forward pass in reverse.
 *
 * dw [9][c_in][c_out] is cut into tiles of up to 128 x 128 channels. For a tile and a
 * shard (leaf), 64 tiles of the shard's images at a time:
 *
 *     V = B^T x B     [36][64][n_in]             of the input patches
 *     Z = A dy A^T    [36][panels][64][16]       of the 4x4 outputs, packed as it is made
 *     U += V^T Z      [36][n_in][n_out]          36 products
 *
 * and at the end dw = G^T U G. leaves.c calls this for every shard and sums along the
 * tree.
 *
 * What must hold: a product is one chain over 64 tiles, counted from the first tile of
 * the shard, and is added to U once; so the bits follow from the shard's images alone,
 * and how channels are cut changes none. Tiles that reach over the edge are filled up
 * with zeros. */
#include <string.h>

#include "common/base/sizes.h"
#include "common/gemm/gemm.h"
#include "worker/engine/conv/leaves.h"
#include "worker/engine/conv/winograd.h"
#include "worker/engine/conv/winograd_tiles.h"

enum {
    CHANNELS = 128, /* of a tile of dw [9][c_in][c_out], in both directions */
    MIN_CHANNELS = 32,
    CHAIN = 64,   /* tiles of the image that are multiplied at a time: one chain */
    MIN_TILES = 9 /* of an image: with 4 and 2 images a shard windows are faster */
};

typedef struct {
    pt_conv_shape s;
    pt_tile_grid grid;
    size_t n_in, n_out;              /* channels of a tile of dw */
    int by_out;                      /* tiles side by side */
    size_t v_step, z_step, u_floats; /* of a point: inputs, dy in panels, products */
    pt_values x, dy;
} layer;

/* A part of dw. */
typedef struct {
    const layer *l;
    size_t in, n_in, out, n_out;
    float *v; /* [36][v_step]: [tiles][n_in] */
    float *z; /* [36][z_step]: panels [n_out / 16][CHAIN][16] */
    float *u; /* [36][n_in][n_out in whole panels] */
} tile;

bool pt_winograd_fits_weights(const pt_conv_shape *s)
{
    pt_tile_grid grid = pt_tiles_of(s);

    return pt_winograd_fits(s) && grid.rows * grid.columns >= MIN_TILES;
}

static size_t whole_panels(size_t n)
{
    return pt_gemm_panels(n) * PT_PANEL;
}

static tile tile_of(const layer *l, int index, float *scratch)
{
    tile t = {.l = l,
              .in = (size_t)(index / l->by_out) * l->n_in,
              .out = (size_t)(index % l->by_out) * l->n_out,
              .v = scratch};

    t.z = t.v + PT_POINTS * l->v_step;
    t.u = t.z + PT_POINTS * l->z_step;
    t.n_in = pt_min_size(l->n_in, (size_t)l->s.c_in - t.in);
    t.n_out = pt_min_size(l->n_out, (size_t)l->s.c_out - t.out);
    return t;
}

/* u = (add ? u : 0) + V^T Z over `n` tiles. */
static void multiply(const tile *t, size_t n, bool add)
{
    const layer *l = t->l;
    size_t columns = whole_panels(t->n_out);

    for (size_t i = 0; i < PT_POINTS; i++) {
        pt_product g = {.ta = PT_T,
                        .m = t->n_in,
                        .n = columns,
                        .k = n,
                        .a = t->v + i * l->v_step,
                        .lda = t->n_in,
                        .b = t->z + i * l->z_step,
                        .panel_step = CHAIN * PT_PANEL,
                        .add = add,
                        .c = t->u + i * l->u_floats,
                        .ldc = columns};

        pt_gemm(&g);
    }
}

/* ---- for leaves.h ----------------------------------------------------------------- */

static void leaf(const void *context, int index, size_t begin, size_t end, float *scratch,
                 float *out)
{
    const layer *l = context;
    const pt_conv_shape *s = &l->s;
    tile t = tile_of(l, index, scratch);
    size_t of_image = (size_t)l->grid.rows * (size_t)l->grid.columns;
    size_t of_x = (size_t)s->h * (size_t)s->w * (size_t)s->c_in;
    size_t of_y = pt_conv_pixels(s) * (size_t)s->c_out;
    const pt_winograd_lanes *lanes = pt_winograd_lanes_in_use();

    for (size_t at = begin * of_image; at < end * of_image; at += CHAIN) {
        size_t n = pt_min_size(CHAIN, end * of_image - at);

        for (size_t k = 0; k < n; k++) {
            size_t image;
            int row, column;

            pt_place_tile(l->grid, at + k, &image, &row, &column);
            pt_winograd_input(s, pt_values_from(l->x, image * of_x), row, column, t.in,
                              t.n_in, l->v_step, t.v + k * t.n_in);
            lanes->spread(s, pt_values_from(l->dy, image * of_y + t.out), row * PT_TILE,
                          column * PT_TILE, t.n_out, CHAIN * PT_PANEL, l->z_step,
                          t.z + k * PT_PANEL);
        }
        multiply(&t, n, at > begin * of_image);
    }
    lanes->gradient(t.u, l->u_floats, t.n_in, t.n_out, out);
}

static size_t floats(const void *context, int index)
{
    tile t = tile_of(context, index, NULL);

    return 9 * t.n_in * t.n_out;
}

static void put(const void *context, int index, const float *sum, float *dw)
{
    const layer *l = context;
    tile t = tile_of(l, index, NULL);
    size_t c_in = (size_t)l->s.c_in, c_out = (size_t)l->s.c_out;

    for (size_t k = 0; k < 9; k++)
        for (size_t i = 0; i < t.n_in; i++, sum += t.n_out)
            memcpy(dw + (k * c_in + t.in + i) * c_out + t.out, sum,
                   t.n_out * sizeof *sum);
}

static layer layer_of(const pt_conv_shape *s, const pt_span *span, int n_threads)
{
    layer l = {.s = *s, .grid = pt_tiles_of(s)};
    size_t c_in = (size_t)s->c_in, c_out = (size_t)s->c_out;
    int wanted = pt_leaves_tiles(9 * c_in * c_out, span, n_threads);

    l.n_in = pt_min_size(CHANNELS, c_in);
    l.n_out = pt_min_size(CHANNELS, c_out);
    l.by_out = pt_parts(c_out, l.n_out);
    while (l.n_in > MIN_CHANNELS && pt_parts(c_in, l.n_in) * l.by_out < wanted)
        l.n_in = (l.n_in + 1) / 2;
    l.v_step = CHAIN * l.n_in + PT_PANEL;
    l.z_step = CHAIN * whole_panels(l.n_out) + PT_PANEL;
    l.u_floats = l.n_in * whole_panels(l.n_out) + PT_PANEL;
    return l;
}

static pt_leaves leaves_of(const layer *l)
{
    size_t c_in = (size_t)l->s.c_in;

    return (pt_leaves){
        .layer = l,
        .n_tiles = pt_parts(c_in, l->n_in) * l->by_out,
        .max_floats = 9 * l->n_in * l->n_out,
        .leaf_scratch = pt_whole_lines(PT_POINTS * (l->v_step + l->z_step + l->u_floats)),
        .floats = floats,
        .leaf = leaf,
        .put = put};
}

void pt_winograd_weights(pt_threads *pool, const pt_conv_shape *s, const pt_span *span,
                         pt_values x, pt_values dy, float *const *dw, float *scratch)
{
    layer l = layer_of(s, span, pt_threads_count(pool));
    pt_leaves leaves = leaves_of(&l);

    l.x = x;
    l.dy = dy;
    pt_leaves_run(pool, &leaves, span, dw, scratch);
}

size_t pt_winograd_weights_scratch(const pt_conv_shape *s, const pt_span *span,
                                   int n_threads)
{
    layer l = layer_of(s, span, n_threads);
    pt_leaves leaves = leaves_of(&l);

    return pt_leaves_scratch(&leaves, span, n_threads);
}
