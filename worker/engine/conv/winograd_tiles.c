#include "worker/engine/conv/winograd_tiles.h"

/* Addresses of a patch's pixels; NULL outside the image. */
static void patch_of(const pt_conv_shape *s, const float *image, int row, int column,
                     const float *pixel[PT_POINTS])
{
    int top = row * PT_TILE - s->pad_top, left = column * PT_TILE - s->pad_left;

    for (int i = 0; i < PT_PATCH; i++)
        for (int j = 0; j < PT_PATCH; j++) {
            int y = top + i, x = left + j;
            bool inside = y >= 0 && y < s->h && x >= 0 && x < s->w;
            size_t at = inside ? (size_t)y * (size_t)s->w + (size_t)x : 0;

            pixel[i * PT_PATCH + j] = inside ? image + at * (size_t)s->c_in : NULL;
        }
}

PT_INLINE void input_lanes(const float *const pixel[PT_POINTS], size_t c, size_t n,
                           size_t point_step, float *v)
{
    pt_lanes d[PT_POINTS], t[PT_POINTS], zero = {0};

    for (int i = 0; i < PT_POINTS; i++) d[i] = pixel[i] ? pt_load(pixel[i] + c, n) : zero;
    pt_transform_input(d, t);
    for (int i = 0; i < PT_POINTS; i++) pt_store(v + (size_t)i * point_step, t[i], n);
}

PT_CLONES void pt_winograd_input(const pt_conv_shape *s, const float *image, int row,
                                 int column, size_t first, size_t n, size_t point_step,
                                 float *v)
{
    const float *pixel[PT_POINTS];
    size_t c = 0;

    patch_of(s, image, row, column, pixel);
    for (; c + PT_LANES <= n; c += PT_LANES)
        input_lanes(pixel, first + c, PT_LANES, point_step, v + c);
    if (c < n) input_lanes(pixel, first + c, n - c, point_step, v + c);
}
