#include "worker/engine/conv/winograd_tiles.h"

/* A patch's pixels; none outside the image. */
static void patch_of(const pt_conv_shape *s, pt_values image, int row, int column,
                     pt_values pixel[PT_POINTS])
{
    int top = row * PT_TILE - s->pad_top, left = column * PT_TILE - s->pad_left;

    for (int i = 0; i < PT_PATCH; i++)
        for (int j = 0; j < PT_PATCH; j++) {
            int y = top + i, x = left + j;
            bool inside = y >= 0 && y < s->h && x >= 0 && x < s->w;
            size_t at = inside ? (size_t)y * (size_t)s->w + (size_t)x : 0;

            pixel[i * PT_PATCH + j] = pt_values_from(image, at * (size_t)s->c_in);
            if (!inside) pixel[i * PT_PATCH + j].at = NULL;
        }
}

void pt_winograd_input(const pt_conv_shape *s, pt_values image, int row, int column,
                       size_t first, size_t n, size_t point_step, float *v)
{
    pt_values pixel[PT_POINTS];

    patch_of(s, image, row, column, pixel);
    pt_winograd_lanes_in_use()->input(pixel, image.bf16, first, n, point_step, v);
}
