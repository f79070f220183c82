#include "worker/engine/conv/winograd_tiles.h"
#include "worker/engine/value_lanes.h"

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

PT_INLINE void input_lanes(const pt_values pixel[PT_POINTS], bool bf16, size_t c,
                           size_t n, size_t point_step, float *v)
{
    pt_lanes d[PT_POINTS], t[PT_POINTS], zero = {0};

    for (int i = 0; i < PT_POINTS; i++) {
        pt_values x = {pixel[i].at, bf16};

        d[i] = x.at ? pt_values_load(pt_values_from(x, c), n) : zero;
    }
    pt_transform_input(d, t);
    for (int i = 0; i < PT_POINTS; i++) pt_store(v + (size_t)i * point_step, t[i], n);
}

PT_INLINE void input_channels(const pt_values pixel[PT_POINTS], bool bf16, size_t first,
                              size_t n, size_t point_step, float *v)
{
    size_t c = 0;

    for (; c + PT_LANES <= n; c += PT_LANES)
        input_lanes(pixel, bf16, first + c, PT_LANES, point_step, v + c);
    if (c < n) input_lanes(pixel, bf16, first + c, n - c, point_step, v + c);
}

PT_CLONES void pt_winograd_input(const pt_conv_shape *s, pt_values image, int row,
                                 int column, size_t first, size_t n, size_t point_step,
                                 float *v)
{
    pt_values pixel[PT_POINTS];

    patch_of(s, image, row, column, pixel);
    if (image.bf16)
        input_channels(pixel, true, first, n, point_step, v);
    else
        input_channels(pixel, false, first, n, point_step, v);
}
