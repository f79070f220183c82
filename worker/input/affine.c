#include "worker/input/affine.h"

#include <math.h> /* floor: exact everywhere */
#include <stdbool.h>

/* 16 bits of fraction. */
static int fixed(double x)
{
    return (int)floor(x * 65536 + 0.5);
}

static void fill_row(const pt_image *in, int x, int y, int step_x, int step_y, int n,
                     uint8_t *out)
{
    static const uint8_t black[3];

    for (int i = 0; i < n; i++, x += step_x, y += step_y, out += 3) {
        int at_x = x >> 16, at_y = y >> 16;
        bool inside = at_x >= 0 && at_x < in->width && at_y >= 0 && at_y < in->height;
        const uint8_t *p =
            inside ? in->pixels + 3 * ((size_t)at_y * (size_t)in->width + (size_t)at_x)
                   : black;

        out[0] = p[0];
        out[1] = p[1];
        out[2] = p[2];
    }
}

void pt_affine_nearest(const pt_image *in, const double m[6], pt_image *out)
{
    int x = fixed(m[2] + m[0] * 0.5 + m[1] * 0.5);
    int y = fixed(m[5] + m[3] * 0.5 + m[4] * 0.5);
    uint8_t *row = out->pixels;

    for (int i = 0; i < out->height; i++, row += 3 * (size_t)out->width) {
        fill_row(in, x, y, fixed(m[0]), fixed(m[3]), out->width, row);
        x += fixed(m[1]);
        y += fixed(m[4]);
    }
}
