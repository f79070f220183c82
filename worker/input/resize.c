#include "worker/input/resize.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/simd.h"

enum { BITS = 22, HALF = 1 << (BITS - 1), BLOCK = 32 };

/* How the output positions of one axis mix input positions: position i is the sum of
 * weight[i * taps + k] * input[first[i] + k], k < count[i]. */
struct axis {
    bool needed; /* else output i is input i */
    int n, taps;
    int *first, *count; /* [n] */
    int32_t *weight;    /* [n][taps] */
};

static void axis_fini(struct axis *a)
{
    free(a->first);
    free(a->count);
    free(a->weight);
}

/* Pillow's precompute_coeffs and normalize_coeffs_8bpc with the triangle filter. */
static void fill_axis(struct axis *a, int in, double start, double scale, int from,
                      double *w)
{
    double stretch = scale < 1 ? 1 : scale, inverse = 1.0 / stretch;

    for (int i = 0; i < a->n; i++) {
        double center = start + (from + i + 0.5) * scale, sum = 0;
        int lo = (int)(center - stretch + 0.5), hi = (int)(center + stretch + 0.5);

        if (lo < 0) lo = 0;
        if (hi > in) hi = in;
        for (int k = lo; k < hi; k++) {
            double d = fabs((k - center + 0.5) * inverse);

            w[k - lo] = d < 1 ? 1 - d : 0;
            sum += w[k - lo];
        }
        for (int k = 0; k < hi - lo; k++) {
            double share = sum != 0 ? w[k] / sum : w[k];

            a->weight[(size_t)i * a->taps + k] = (int32_t)(0.5 + share * (1 << BITS));
        }
        a->first[i] = lo;
        a->count[i] = hi - lo;
    }
}

/* For output positions from..from+n-1 of `out`; the box in float, as Pillow has it. */
static pt_status make_axis(int in, float start, float end, int out, int from, int n,
                           struct axis *a)
{
    double scale = (double)(end - start) / out;
    double *w;

    a->needed = out != in || start != 0 || end != (float)out;
    a->n = n;
    a->taps = (int)ceil(scale < 1 ? 1 : scale) * 2 + 1;
    a->first = pt_calloc((size_t)n, sizeof *a->first);
    a->count = pt_calloc((size_t)n, sizeof *a->count);
    a->weight = pt_calloc(pt_mul((size_t)n, (size_t)a->taps), sizeof *a->weight);
    w = pt_calloc((size_t)a->taps, sizeof *w);
    if (a->first && a->count && a->weight && w) fill_axis(a, in, start, scale, from, w);
    free(w);
    if (a->first && a->count && a->weight && w) return PT_OK;
    return pt_fail(PT_ERR_NOMEM, "no memory to resize %d pixels to %d", in, out);
}

/* A pixel and the first value of the next one, which is dropped. */
typedef int32_t pixel4 __attribute__((vector_size(16)));

/* One row: in [width][3] to out [a->n][3]; wide: the row as [3 width + 1] integers, so
 * that a pixel is one load. */
PT_CLONES
static void mix_columns(const uint8_t *in, const struct axis *a, int32_t *wide,
                        uint8_t *out)
{
    int begin = 3 * a->first[0], end = 3 * (a->first[a->n - 1] + a->count[a->n - 1]);

    for (int i = begin; i < end; i++) wide[i] = in[i];
    wide[end] = 0;
    for (int i = 0; i < a->n; i++, out += 3) {
        const int32_t *w = a->weight + (size_t)i * a->taps;
        const int32_t *p = wide + 3 * (size_t)a->first[i];
        pixel4 sum = {HALF, HALF, HALF, HALF};

        for (int k = 0; k < a->count[i]; k++, p += 3) {
            pixel4 v;

            memcpy(&v, p, sizeof v);
            sum += v * w[k];
        }
        sum >>= BITS;
        out[0] = (uint8_t)sum[0];
        out[1] = (uint8_t)sum[1];
        out[2] = (uint8_t)sum[2];
    }
}

/* out [n] from `count` rows of bytes that lie `stride` apart. */
PT_CLONES
static void mix_rows(const uint8_t *restrict in, size_t stride, const int32_t *w,
                     int count, uint8_t *restrict out, size_t n)
{
    size_t i = 0;

    for (; i + BLOCK <= n; i += BLOCK) { /* sums stay in registers */
        int32_t sum[BLOCK];

        for (int j = 0; j < BLOCK; j++) sum[j] = HALF;
        for (int k = 0; k < count; k++) {
            for (int j = 0; j < BLOCK; j++) sum[j] += in[k * stride + i + j] * w[k];
        }
        for (int j = 0; j < BLOCK; j++) out[i + j] = (uint8_t)(sum[j] >> BITS);
    }
    for (; i < n; i++) {
        int32_t sum = HALF;

        for (int k = 0; k < count; k++) sum += in[k * stride + i] * w[k];
        out[i] = (uint8_t)(sum >> BITS);
    }
}

/* The rows of the source that the output rows mix: *first, and their number. */
static int rows_used(const struct axis *y, int window_y, int *first)
{
    int last = 0;

    *first = y->needed ? y->first[0] : window_y;
    last = y->needed ? y->first[y->n - 1] + y->count[y->n - 1] : window_y + y->n;
    return last - *first;
}

static pt_status resample(const pt_image *in, const struct axis *x, const struct axis *y,
                          const pt_region *window, uint8_t *out)
{
    size_t in_stride = (size_t)in->width * 3, out_stride = (size_t)x->n * 3;
    size_t stride = in_stride;
    int first, rows = rows_used(y, window->y, &first);
    const uint8_t *mixed = in->pixels + first * in_stride + (size_t)window->x * 3;
    uint8_t *between = NULL;

    if (x->needed) { /* straight to the result where rows are not mixed */
        uint8_t *to = out;
        int32_t *wide = malloc((in_stride + 1) * sizeof *wide);

        if (y->needed) to = between = malloc(pt_mul((size_t)rows, out_stride));
        if (!to || !wide) {
            free(wide);
            free(between);
            return pt_fail(PT_ERR_NOMEM, "no memory for %d rows", rows);
        }
        for (int i = 0; i < rows; i++) {
            mix_columns(in->pixels + (first + i) * in_stride, x, wide,
                        to + i * out_stride);
        }
        free(wide);
        mixed = to;
        stride = out_stride;
    }
    for (int i = 0; y->needed && i < y->n; i++) {
        mix_rows(mixed + (y->first[i] - first) * stride, stride,
                 y->weight + (size_t)i * y->taps, y->count[i], out + i * out_stride,
                 out_stride);
    }
    for (int i = 0; !x->needed && !y->needed && i < y->n; i++) {
        memcpy(out + i * out_stride, mixed + i * stride, out_stride);
    }
    free(between);
    return PT_OK;
}

static pt_status check(const pt_image *in, const float b[4], int height, int width,
                       const pt_region *w)
{
    if (height < 1 || width < 1) {
        return pt_fail(PT_ERR_SHAPE, "cannot resize to %d x %d pixels", width, height);
    }
    if (!(b[0] >= 0 && b[0] < b[2] && b[2] <= (float)in->width && b[1] >= 0 &&
          b[1] < b[3] && b[3] <= (float)in->height)) {
        return pt_fail(PT_ERR_SHAPE, "box %g,%g to %g,%g is not a part of %d x %d pixels",
                       b[0], b[1], b[2], b[3], in->width, in->height);
    }
    if (w->y < 0 || w->x < 0 || w->height < 1 || w->width < 1 ||
        w->height > height - w->y || w->width > width - w->x) {
        return pt_fail(PT_ERR_SHAPE, "window %d,%d of %d x %d is not a part of %d x %d",
                       w->x, w->y, w->width, w->height, width, height);
    }
    if ((uint64_t)w->height * (uint64_t)w->width > PT_IMAGE_MAX_PIXELS) {
        return pt_fail(PT_ERR_SHAPE, "resized to %d x %d pixels, above the limit of %d",
                       w->width, w->height, PT_IMAGE_MAX_PIXELS);
    }
    return PT_OK;
}

pt_status pt_resize_window(const pt_image *in, const double box[4], int height, int width,
                           const pt_region *window, pt_image *out)
{
    float b[4] = {0, 0, (float)in->width, (float)in->height};
    pt_image im = {window->height, window->width, NULL};
    struct axis x = {0}, y = {0};
    pt_status s;

    *out = (pt_image){0};
    for (int i = 0; box && i < 4; i++) b[i] = (float)box[i];
    s = check(in, b, height, width, window);
    if (s != PT_OK) return s;
    s = make_axis(in->width, b[0], b[2], width, window->x, window->width, &x);
    if (s != PT_OK) goto done;
    s = make_axis(in->height, b[1], b[3], height, window->y, window->height, &y);
    if (s != PT_OK) goto done;
    im.pixels = malloc((size_t)im.height * (size_t)im.width * 3);
    if (!im.pixels) {
        s = pt_fail(PT_ERR_NOMEM, "no memory for %d x %d pixels", im.width, im.height);
        goto done;
    }
    s = resample(in, &x, &y, window, im.pixels);
    if (s != PT_OK) goto done;
    *out = im;
    im.pixels = NULL;
done:
    pt_image_fini(&im);
    axis_fini(&x);
    axis_fini(&y);
    return s;
}

pt_status pt_resize_bilinear(const pt_image *in, const double box[4], int height,
                             int width, pt_image *out)
{
    return pt_resize_window(in, box, height, width, &(pt_region){0, 0, height, width},
                            out);
}
