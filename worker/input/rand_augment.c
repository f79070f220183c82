#include "worker/input/rand_augment.h"

#include <math.h> /* rint, trunc: exact everywhere */

#include "common/base/pmath.h"
#include "worker/input/affine.h"
#include "worker/input/colour.h"
#include "worker/input/sharpen.h"
#include "worker/input/tone.h"

/* ---- how much --------------------------------------------------------------------- */

/* The magnitude's element of torch.linspace(from, to, bins), which counts from the nearer
 * end, in float. */
static float magnitude(const pt_rand_augment *ra, double from, double to)
{
    int last = ra->bins - 1, m = ra->magnitude;
    float step = ((float)to - (float)from) / (float)last;

    return m < ra->bins / 2 ? (float)from + step * (float)m
                            : (float)to - step * (float)(last - m);
}

static int bits_of(const pt_rand_augment *ra)
{
    return 8 - (int)rint((float)ra->magnitude / (float)((ra->bins - 1) / 4.0));
}

/* ---- where pixels come from ------------------------------------------------------- */

typedef struct {
    double m[6];
} map;

/* torchvision's _get_inverse_affine_matrix, without what is 0 or 1 there: the rest of its
 * rounding is far below the 16 bits of fraction that pt_affine_nearest has. */
static map map_of(pt_ra_op op, double x, const pt_image *im)
{
    double half_w = im->width / 2.0, half_h = im->height / 2.0, c, s;

    switch (op) {
    case PT_RA_SHEAR_X:
        return (map){{1, x, 0, 0, 1, 0}};
    case PT_RA_SHEAR_Y:
        return (map){{1, 0, 0, x, 1, 0}};
    case PT_RA_TRANSLATE_X:
        return (map){{1, 0, -trunc(x), 0, 1, 0}};
    case PT_RA_TRANSLATE_Y:
        return (map){{1, 0, 0, 0, 1, -trunc(x)}};
    default: /* x degrees, counter-clockwise, around the middle */
        c = pt_cos_turns(x / 360);
        s = pt_sin_turns(x / 360);
        return (map){{c, -s, half_w - (c * half_w - s * half_h), s, c,
                      half_h - (s * half_w + c * half_h)}};
    }
}

static pt_status move(pt_ra_op op, double x, pt_image *im)
{
    map to = map_of(op, x, im);
    pt_image moved;
    pt_status s = pt_image_create(im->height, im->width, &moved);

    if (s != PT_OK) return s;
    pt_affine_nearest(im, to.m, &moved);
    pt_image_fini(im);
    *im = moved;
    return PT_OK;
}

/* ---- the operations --------------------------------------------------------------- */

static pt_status geometric(const pt_rand_augment *ra, pt_ra_op op, double sign,
                           pt_image *im)
{
    const double side = 150.0 / 331.0; /* of the paper's search space */

    switch (op) {
    case PT_RA_TRANSLATE_X:
        return move(op, sign * magnitude(ra, 0, side * im->width), im);
    case PT_RA_TRANSLATE_Y:
        return move(op, sign * magnitude(ra, 0, side * im->height), im);
    case PT_RA_ROTATE:
        return move(op, sign * magnitude(ra, 0, 30), im);
    default:
        return move(op, sign * magnitude(ra, 0, 0.3), im);
    }
}

pt_status pt_rand_augment_op(const pt_rand_augment *ra, pt_ra_op op, bool minus,
                             pt_image *im)
{
    double sign = minus ? -1 : 1;
    float factor = (float)(1.0 + sign * magnitude(ra, 0, 0.9));

    if (op >= PT_RA_SHEAR_X && op <= PT_RA_ROTATE) return geometric(ra, op, sign, im);
    if (op == PT_RA_SHARPNESS) return pt_sharpen(im, factor);
    if (op == PT_RA_BRIGHTNESS) pt_tone_brightness(im, factor);
    if (op == PT_RA_COLOR) pt_colour_saturation(im, factor);
    if (op == PT_RA_CONTRAST) pt_tone_contrast(im, factor);
    if (op == PT_RA_POSTERIZE) pt_tone_posterize(im, bits_of(ra));
    if (op == PT_RA_SOLARIZE) pt_tone_solarize(im, magnitude(ra, 255, 0));
    if (op == PT_RA_AUTO_CONTRAST) pt_tone_autocontrast(im);
    if (op == PT_RA_EQUALIZE) pt_tone_equalize(im);
    return PT_OK;
}

pt_status pt_rand_augment_apply(const pt_rand_augment *ra, const pt_rng *r, pt_image *im)
{
    pt_status s = PT_OK;

    for (int t = 0; t < ra->num_ops && s == PT_OK; t++) {
        pt_ra_op op = (pt_ra_op)pt_rng_below(r, 2 * (uint64_t)t, PT_RA_OPS);
        bool minus = pt_rng_uniform_f64(r, 2 * (uint64_t)t + 1) < 0.5;

        s = pt_rand_augment_op(ra, op, minus, im);
    }
    return s;
}
