#include "worker/borrow/gabor.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/pmath.h"
#include "common/base/simd.h"
#include "worker/input/resize.h"

enum {
    SIDE = PT_GABOR_SIDE,
    WIDTH = PT_GABOR_WIDTH,
    RADIUS = WIDTH / 2,
    UNIT = 1024,
    FILTERS = PT_GABOR_ORIENTATIONS * 2
};

struct pt_gabor {
    int32_t filter[FILTERS][WIDTH * WIDTH];
    int32_t bound[FILTERS]; /* of a response, on both sides of 0 */
    int32_t plane[SIDE * SIDE];
    float gray[SIDE * SIDE]; /* the plane */
    double weight[PT_GABOR_MAPS];
};

static int32_t round_to_unit(double x)
{
    x *= UNIT;
    return (int32_t)(x < 0 ? x - 0.5 : x + 0.5);
}

/* The coefficients' sum after rounding is taken from the middle one, so that it is 0. */
static void make_filter(int orientation, bool imaginary, int32_t f[WIDTH * WIDTH])
{
    const double sigma = 2, wave = 4;
    double turn = orientation / (2.0 * PT_GABOR_ORIENTATIONS);
    double cosine = pt_cos_turns(turn), sine = pt_sin_turns(turn), weights = 0, sum = 0;
    double value[WIDTH * WIDTH], envelope[WIDTH * WIDTH];
    int32_t total = 0;

    for (int i = 0; i < WIDTH * WIDTH; i++) {
        double y = i / WIDTH - RADIUS, x = i % WIDTH - RADIUS;
        double along = (x * cosine + y * sine) / wave;

        envelope[i] = pt_exp(-(x * x + y * y) / (2 * sigma * sigma));
        value[i] = envelope[i] * (imaginary ? pt_sin_turns(along) : pt_cos_turns(along));
        weights += envelope[i];
        sum += value[i];
    }
    for (int i = 0; i < WIDTH * WIDTH; i++) {
        f[i] = round_to_unit(value[i] - envelope[i] * (sum / weights));
        total += f[i];
    }
    f[WIDTH * WIDTH / 2] -= total;
}

pt_status pt_gabor_create(pt_gabor **out)
{
    pt_gabor *g = pt_calloc(1, sizeof *g);

    *out = g;
    if (!g) return pt_fail(PT_ERR_NOMEM, "no memory for the filters");
    for (int k = 0; k < FILTERS; k++) {
        make_filter(k / 2, k % 2, g->filter[k]);
        for (int i = 0; i < WIDTH * WIDTH; i++)
            if (g->filter[k][i] > 0) g->bound[k] += 255 * g->filter[k][i];
    }
    for (int i = 0; i < PT_GABOR_MAPS; i++) g->weight[i] = 1.0 / PT_GABOR_MAPS;
    return PT_OK;
}

void pt_gabor_destroy(pt_gabor **g)
{
    if (!g) return;
    free(*g);
    *g = NULL;
}

const int32_t *pt_gabor_filter(const pt_gabor *g, int orientation, int part)
{
    return g->filter[orientation * 2 + part];
}

static pt_status make_plane(pt_gabor *g, const pt_image *im)
{
    pt_image small = {0};
    pt_status s = pt_resize_bilinear(im, NULL, SIDE, SIDE, &small);

    for (int i = 0; s == PT_OK && i < SIDE * SIDE; i++) {
        const uint8_t *p = small.pixels + 3 * i;

        g->plane[i] = (77 * p[0] + 150 * p[1] + 29 * p[2]) >> 8;
    }
    pt_image_fini(&small);
    return s;
}

/* [2 side][2 side] to [side][side], in place. */
static void halve(int32_t *plane, int side)
{
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++) {
            const int32_t *p = plane + (2 * y) * (2 * side) + 2 * x;

            plane[y * side + x] = (p[0] + p[1] + p[2 * side] + p[2 * side + 1] + 2) >> 2;
        }
}

/* One row of responses: n places from `top`, the row where the filter begins. Sums are of
 * whole numbers below 2^24, which float holds: they are exact in any order, and products
 * of float are far faster than those of int32 without AVX2. */
PT_CLONES static void respond(const int32_t *filter, const float *top, int side, int n,
                              float *restrict out)
{
    memset(out, 0, (size_t)n * sizeof *out);
    for (int y = 0; y < WIDTH; y++) {
        const float *row = top + y * side;
        float f[WIDTH];

        for (int x = 0; x < WIDTH; x++) f[x] = (float)filter[y * WIDTH + x];
        for (int i = 0; i < n; i++) {
            float sum = 0;

            for (int x = 0; x < WIDTH; x++) sum += f[x] * row[i + x];
            out[i] += sum;
        }
    }
}

/* Which of PT_BANK_FINE equal parts of -bound..bound. Numerator and quotient are below
 * 2^41 and 2^16: the double next to the quotient is on the same side of every integer. */
PT_CLONES static void cut(const float *row, int n, int32_t bound, uint16_t *slice)
{
    double range = 2.0 * bound + 1;

    for (int i = 0; i < n; i++) {
        double above = (double)row[i] + bound;

        slice[i] = (uint16_t)(int32_t)(above * PT_BANK_FINE / range);
    }
}

static pt_status respond_all(void *self, const pt_image *im, pt_take_responses *take,
                             void *context)
{
    pt_gabor *g = self;
    float row[SIDE];
    uint16_t slice[SIDE];
    pt_status s = make_plane(g, im);

    if (s != PT_OK) return s;
    for (int scale = 0, side = SIDE; scale < PT_GABOR_SCALES; scale++, side /= 2) {
        int n = side - WIDTH + 1;

        if (scale > 0) halve(g->plane, side);
        for (int i = 0; i < side * side; i++) g->gray[i] = (float)g->plane[i];
        for (int k = 0; k < FILTERS; k++)
            for (int y = 0; y < n; y++) {
                respond(g->filter[k], g->gray + y * side, side, n, row);
                cut(row, n, g->bound[k], slice);
                take(context, scale * FILTERS + k, slice, n);
            }
    }
    return PT_OK;
}

pt_bank pt_gabor_bank(pt_gabor *g)
{
    return (pt_bank){PT_GABOR_MAPS, g->weight, g, respond_all};
}
