#include "worker/input/tone.h"

#include <string.h>

#include "worker/input/blend.h"

typedef uint8_t table[256];

static size_t pixels(const pt_image *im)
{
    return (size_t)im->height * (size_t)im->width;
}

/* One table for each channel. */
static void look_up(pt_image *im, const table t[3])
{
    uint8_t *p = im->pixels;

    for (size_t n = pixels(im); n > 0; n--, p += 3) {
        p[0] = t[0][p[0]];
        p[1] = t[1][p[1]];
        p[2] = t[2][p[2]];
    }
}

/* The same for all. */
static void look_up_one(pt_image *im, const table t)
{
    for (size_t i = 0; i < 3 * pixels(im); i++) im->pixels[i] = t[im->pixels[i]];
}

/* ---- towards one gray or away from it --------------------------------------------- */

static void blend_with(pt_image *im, int gray, float factor)
{
    table t;

    for (int v = 0; v < 256; v++) t[v] = pt_blend(gray, v, factor);
    look_up_one(im, t);
}

void pt_tone_brightness(pt_image *im, float factor)
{
    blend_with(im, 0, factor);
}

static int mean_gray(const pt_image *im)
{
    size_t n = pixels(im);
    uint64_t sum = 0;

    for (size_t i = 0; i < n; i++) sum += (uint64_t)pt_gray(im->pixels + 3 * i);
    return (int)((double)sum / (double)n + 0.5);
}

void pt_tone_contrast(pt_image *im, float factor)
{
    blend_with(im, mean_gray(im), factor);
}

/* ---- fixed tables ----------------------------------------------------------------- */

void pt_tone_posterize(pt_image *im, int bits)
{
    table t;

    for (int v = 0; v < 256; v++) t[v] = (uint8_t)(v & ~((1 << (8 - bits)) - 1));
    look_up_one(im, t);
}

void pt_tone_solarize(pt_image *im, float threshold)
{
    table t;

    for (int v = 0; v < 256; v++) t[v] = (uint8_t)((float)v < threshold ? v : 255 - v);
    look_up_one(im, t);
}

/* ---- by the image's histogram ----------------------------------------------------- */

typedef int histogram[256];

static void count(const pt_image *im, histogram h[3])
{
    const uint8_t *p = im->pixels;

    memset(h, 0, 3 * sizeof *h);
    for (size_t n = pixels(im); n > 0; n--, p += 3) {
        h[0][p[0]]++;
        h[1][p[1]]++;
        h[2][p[2]]++;
    }
}

/* The first and the last value that occur. */
static void find_ends(const histogram h, int *low, int *high)
{
    *low = 0;
    *high = 255;
    while (*low < 255 && h[*low] == 0) ++*low;
    while (*high > 0 && h[*high] == 0) --*high;
}

static void leave(table t)
{
    for (int v = 0; v < 256; v++) t[v] = (uint8_t)v;
}

static void stretch(const histogram h, table t)
{
    int low, high;
    double scale, offset;

    find_ends(h, &low, &high);
    if (high <= low) {
        leave(t);
        return;
    }
    scale = 255.0 / (high - low);
    offset = -low * scale;
    for (int v = 0; v < 256; v++) {
        double x = v * scale + offset;

        t[v] = (uint8_t)(x <= 0 ? 0 : x >= 255 ? 255 : (int)x);
    }
}

/* Values that do not occur count as well: a value's place is that of all below it. */
static void spread(const histogram h, table t)
{
    int low, high, step, below, all = 0;

    find_ends(h, &low, &high);
    for (int v = 0; v < 256; v++) all += h[v];
    step = (all - h[high]) / 255;
    if (low == high || step == 0) {
        leave(t);
        return;
    }
    below = step / 2;
    for (int v = 0; v < 256; v++) {
        int place = below / step;

        t[v] = (uint8_t)(place < 255 ? place : 255);
        below += h[v];
    }
}

static void by_histogram(pt_image *im, void (*make)(const histogram h, table t))
{
    histogram h[3];
    table t[3];

    count(im, h);
    for (int c = 0; c < 3; c++) make(h[c], t[c]);
    look_up(im, t);
}

void pt_tone_autocontrast(pt_image *im)
{
    by_histogram(im, stretch);
}

void pt_tone_equalize(pt_image *im)
{
    by_histogram(im, spread);
}
