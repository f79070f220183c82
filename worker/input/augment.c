#include "worker/input/augment.h"

#include <math.h> /* sqrt, rint: exact everywhere */
#include <string.h>

#include "common/base/pmath.h"
#include "common/base/rng.h"
#include "common/base/sizes.h"
#include "worker/input/resize.h"

enum { SIDE_MAX = 4096, TRIES = 10 };
enum { AT_Y = 0, AT_X = 1, AT_FLIP = 2, AT_TRY = 3 }; /* elements of the stream */

struct size {
    int height, width;
};

/* ---- pixels to floats ------------------------------------------------------------- */

typedef float table[3][256]; /* [channel of the output][value of a byte] */

static void fill_table(const pt_preprocess *p, table t)
{
    for (int c = 0; c < 3; c++) {
        for (int v = 0; v < 256; v++) {
            double x = (double)v * p->scale - p->mean[c];

            t[c][v] = (float)(x / p->std[c]);
        }
    }
}

/* n pixels, the next one `step` bytes on, through the table. */
static void normalise_run(const float (*t)[256], int first, const uint8_t *p, int step,
                          int n, float *out)
{
    for (int j = 0; j < n; j++, p += step, out += 3) {
        out[0] = t[0][p[first]];
        out[1] = t[1][p[1]];
        out[2] = t[2][p[2 - first]];
    }
}

/* Writes im into out [crop][crop][3] with its corner at (y, x), x + im->width <= crop;
 * black around it. */
static void normalise(const pt_augment *a, const pt_image *im, int y, int x, bool flip,
                      float *out)
{
    static const uint8_t black[3];
    int crop = a->crop, first = a->preprocess.bgr ? 2 : 0;
    int before = flip ? crop - x - im->width : x, after = crop - before - im->width;
    table t;

    fill_table(&a->preprocess, t);
    for (int i = 0; i < crop; i++, out += (size_t)crop * 3) {
        const uint8_t *p;
        float *inside;

        if (i < y || i >= y + im->height) {
            normalise_run(t, first, black, 0, crop, out);
            continue;
        }
        p = im->pixels + (size_t)(i - y) * (size_t)im->width * 3;
        if (flip) p += 3 * ((size_t)im->width - 1);
        inside = out + (size_t)before * 3;
        normalise_run(t, first, black, 0, before, out);
        normalise_run(t, first, p, flip ? -3 : 3, im->width, inside);
        normalise_run(t, first, black, 0, after, inside + (size_t)im->width * 3);
    }
}

/* ---- what is random --------------------------------------------------------------- */

/* Whose training view it is; NULL: a test view. */
typedef struct {
    uint64_t seed, epoch, sample;
} draw;

static pt_rng stream(const draw *d, pt_rng_purpose purpose)
{
    return pt_rng_stream(d->seed, purpose, d->epoch, d->sample);
}

/* The part as a whole crop, where it is in it, black around it. */
static pt_status fill_crop(int crop, const pt_image *part, int y, int x, bool flip,
                           pt_image *out)
{
    pt_status s = pt_image_create(crop, crop, out);
    size_t n = 3 * (size_t)crop;

    if (s != PT_OK) return s;
    memset(out->pixels, 0, n * (size_t)crop);
    for (int i = 0; i < part->height; i++) {
        const uint8_t *from = part->pixels + 3 * (size_t)i * (size_t)part->width;
        uint8_t *row = out->pixels + (size_t)(y + i) * n;

        if (!flip) {
            memcpy(row + 3 * x, from, 3 * (size_t)part->width);
            continue;
        }
        for (int j = 0; j < part->width; j++, from += 3)
            memcpy(row + 3 * (crop - 1 - x - j), from, 3);
    }
    return PT_OK;
}

/* The crop of bytes, changed. */
static pt_status recolour(const pt_augment *a, const draw *d, pt_image *crop)
{
    pt_rng of_operations = stream(d, PT_RNG_RAND_AUGMENT),
           of_jitter = stream(d, PT_RNG_JITTER);
    pt_status s = pt_rand_augment_apply(&a->rand_augment, &of_operations, crop);

    if (s == PT_OK) pt_jitter_apply(&a->jitter, &of_jitter, crop);
    return s;
}

/* The view from the part of it that is not padding, whose corner is at (y, x). */
static pt_status finish(const pt_augment *a, const draw *d, const pt_image *part, int y,
                        int x, bool flip, float *out)
{
    pt_rng place, noise;
    pt_image crop = {0};
    pt_status s = PT_OK;

    if (!d || (a->rand_augment.num_ops == 0 && !pt_jitter_is_on(&a->jitter))) {
        normalise(a, part, y, x, flip, out);
    } else {
        s = fill_crop(a->crop, part, y, x, flip, &crop);
        if (s == PT_OK) s = recolour(a, d, &crop);
        if (s == PT_OK) normalise(a, &crop, 0, 0, false, out);
        pt_image_fini(&crop);
    }
    if (s != PT_OK || !d || !(a->erasing.probability > 0)) return s;
    place = stream(d, PT_RNG_ERASE);
    noise = stream(d, PT_RNG_NOISE);
    return pt_erase(&a->erasing, &place, &noise, a->crop, out);
}

/* ---- where to cut ----------------------------------------------------------------- */

static struct size resized(const pt_augment *a, const pt_image *im)
{
    struct size s = {im->height, im->width};

    if (a->resize_mode == PT_RESIZE_SQUARE) {
        s.height = s.width = a->resize;
    } else if (a->resize_mode == PT_RESIZE_SHORT_SIDE && im->width <= im->height) {
        s.width = a->resize;
        s.height = (int)((int64_t)a->resize * im->height / im->width);
    } else if (a->resize_mode == PT_RESIZE_SHORT_SIDE) {
        s.height = a->resize;
        s.width = (int)((int64_t)a->resize * im->width / im->height);
    }
    return s;
}

static pt_status check(const pt_augment *a, const pt_image *im)
{
    if (a->crop < 1 || a->crop > SIDE_MAX || a->pad < 0 || a->pad > SIDE_MAX ||
        (a->resize_mode != PT_RESIZE_NONE && (a->resize < 1 || a->resize > SIDE_MAX))) {
        return pt_fail(PT_ERR_CONFIG, "resize %d, crop %d, pad %d: must be within %d",
                       a->resize, a->crop, a->pad, SIDE_MAX);
    }
    if (im->height < 1 || im->width < 1) {
        return pt_fail(PT_ERR_DATA, "the image is empty: %d x %d pixels", im->width,
                       im->height);
    }
    return PT_OK;
}

static pt_status check_crop(const pt_augment *a, struct size s, int pad)
{
    if (s.height + 2 * pad >= a->crop && s.width + 2 * pad >= a->crop) return PT_OK;
    return pt_fail(PT_ERR_DATA, "resized to %d x %d pixels, smaller than the crop of %d",
                   s.width + 2 * pad, s.height + 2 * pad, a->crop);
}

/* The window of side crop at (y, x) of the image resized to s; the window may reach
 * beyond the image, into the padding. */
static pt_status view(const pt_augment *a, const draw *d, const pt_image *im,
                      struct size s, int y, int x, bool flip, float *out)
{
    int skip_y = y < 0 ? -y : 0, skip_x = x < 0 ? -x : 0;
    pt_region w = {y + skip_y, x + skip_x, 0, 0};
    pt_image part = {0};
    pt_status status = PT_OK;

    w.height = pt_min_int(a->crop - skip_y, s.height - w.y);
    w.width = pt_min_int(a->crop - skip_x, s.width - w.x);
    if (w.height > 0 && w.width > 0) { /* else all of it is padding */
        status = pt_resize_window(im, NULL, s.height, s.width, &w, &part);
    }
    if (status == PT_OK) status = finish(a, d, &part, skip_y, skip_x, flip, out);
    pt_image_fini(&part);
    return status;
}

static int centre(int side, int crop)
{
    return (int)rint((side - crop) / 2.0); /* halves to the even number, as Python does */
}

pt_status pt_augment_at(const pt_augment *a, const pt_image *im, pt_place place,
                        bool mirrored, float *out)
{
    pt_status status = check(a, im);
    struct size s;
    int y, x;

    if (status != PT_OK) return status;
    s = resized(a, im);
    status = check_crop(a, s, 0);
    if (status != PT_OK) return status;
    y = centre(s.height, a->crop);
    x = centre(s.width, a->crop);
    if (place != PT_PLACE_CENTRE) {
        bool bottom = place == PT_PLACE_BOTTOM_LEFT || place == PT_PLACE_BOTTOM_RIGHT,
             right = place == PT_PLACE_TOP_RIGHT || place == PT_PLACE_BOTTOM_RIGHT;

        y = bottom ? s.height - a->crop : 0;
        x = right ? s.width - a->crop : 0;
    }
    return view(a, NULL, im, s, y, x, mirrored, out);
}

pt_status pt_augment_test(const pt_augment *a, const pt_image *im, float *out)
{
    return pt_augment_at(a, im, PT_PLACE_CENTRE, false, out);
}

/* torchvision's RandomResizedCrop.get_params. */
static pt_region random_region(const pt_augment *a, const pt_image *im, const pt_rng *r)
{
    const double narrow = 3.0 / 4.0, wide = 4.0 / 3.0;
    double lo = pt_log(narrow), hi = pt_log(wide), ratio = (double)im->width / im->height;
    pt_region w = {0, 0, im->height, im->width};

    for (int t = 0; t < TRIES; t++) {
        double u = pt_rng_uniform_f64(r, AT_TRY + 2 * t);
        double v = pt_rng_uniform_f64(r, AT_TRY + 2 * t + 1);
        double share = a->min_area + u * (1.0 - a->min_area);
        double area = (double)im->height * im->width * share;
        double aspect = pt_exp(lo + v * (hi - lo));
        double width = rint(sqrt(area * aspect)), height = rint(sqrt(area / aspect));

        if (width >= 1 && width <= im->width && height >= 1 && height <= im->height) {
            w.width = (int)width;
            w.height = (int)height;
            w.y = (int)pt_rng_below(r, AT_Y, (uint64_t)(im->height - w.height + 1));
            w.x = (int)pt_rng_below(r, AT_X, (uint64_t)(im->width - w.width + 1));
            return w;
        }
    }
    if (ratio < narrow) w.height = (int)rint(im->width / narrow);
    if (ratio > wide) w.width = (int)rint(im->height * wide);
    w.y = (im->height - w.height) / 2;
    w.x = (im->width - w.width) / 2;
    return w;
}

static pt_status resized_crop(const pt_augment *a, const draw *d, const pt_image *im,
                              const pt_rng *r, bool flip, float *out)
{
    pt_region w = random_region(a, im, r);
    const double box[4] = {w.x, w.y, w.x + w.width, w.y + w.height};
    pt_image part;
    pt_status status = pt_resize_bilinear(im, box, a->crop, a->crop, &part);

    if (status == PT_OK) status = finish(a, d, &part, 0, 0, flip, out);
    pt_image_fini(&part);
    return status;
}

pt_status pt_augment_train(const pt_augment *a, const pt_image *im, uint64_t seed,
                           uint64_t epoch, uint64_t sample, float *out)
{
    const draw d = {seed, epoch, sample};
    pt_rng r = stream(&d, PT_RNG_AUGMENT);
    bool flip = a->flip && pt_rng_uniform_f64(&r, AT_FLIP) < 0.5;
    int pad = a->train_crop == PT_CROP_RANDOM ? a->pad : 0;
    pt_status status = check(a, im);
    struct size s;
    int y, x;

    if (status != PT_OK) return status;
    if (a->train_crop == PT_CROP_RESIZED) return resized_crop(a, &d, im, &r, flip, out);
    s = resized(a, im);
    status = check_crop(a, s, pad);
    if (status != PT_OK) return status;
    if (a->train_crop == PT_CROP_CENTER) {
        y = centre(s.height, a->crop);
        x = centre(s.width, a->crop);
    } else {
        uint64_t places_y = (uint64_t)(s.height + 2 * pad - a->crop + 1);
        uint64_t places_x = (uint64_t)(s.width + 2 * pad - a->crop + 1);

        y = (int)pt_rng_below(&r, AT_Y, places_y) - pad;
        x = (int)pt_rng_below(&r, AT_X, places_x) - pad;
    }
    return view(a, &d, im, s, y, x, flip, out);
}
