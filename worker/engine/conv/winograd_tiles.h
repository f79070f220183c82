/* The tiles of Winograd: where they are, and the transform of an input patch, which the
 * passes share. Internal. */
#ifndef PT_WORKER_ENGINE_CONV_WINOGRAD_TILES_H
#define PT_WORKER_ENGINE_CONV_WINOGRAD_TILES_H

#include "worker/engine/conv/conv_shape.h"
#include "worker/engine/conv/winograd_lanes.h"
#include "worker/engine/values.h"

/* The tiles of an image: rows by columns. */
typedef struct {
    int rows, columns;
} pt_tile_grid;

static inline pt_tile_grid pt_tiles_of(const pt_conv_shape *s)
{
    return (pt_tile_grid){(s->out_h + PT_TILE - 1) / PT_TILE,
                          (s->out_w + PT_TILE - 1) / PT_TILE};
}

/* Where tile `index` of all images is. */
static inline void pt_place_tile(pt_tile_grid g, size_t index, size_t *image, int *row,
                                 int *column)
{
    size_t columns = (size_t)g.columns, of_image = (size_t)g.rows * columns;

    *image = index / of_image;
    *row = (int)(index % of_image / columns);
    *column = (int)(index % columns);
}

/* B^T d B of the input patch of tile (row, column) of an image: channels first ..
 * first + n - 1 to v[point * point_step], n floats each. */
void pt_winograd_input(const pt_conv_shape *s, pt_values image, int row, int column,
                       size_t first, size_t n, size_t point_step, float *v);

#endif
