#include "worker/input/colour.h"

#include "worker/input/blend.h"

static size_t pixels(const pt_image *im)
{
    return (size_t)im->height * (size_t)im->width;
}

void pt_colour_saturation(pt_image *im, float factor)
{
    uint8_t *p = im->pixels;

    for (size_t n = pixels(im); n > 0; n--, p += 3) {
        int gray = pt_gray(p);

        p[0] = pt_blend(gray, p[0], factor);
        p[1] = pt_blend(gray, p[1], factor);
        p[2] = pt_blend(gray, p[2], factor);
    }
}

/* ---- hue (Pillow, Convert.c, which follows Python's colorsys) ---------------------- */

/* In float where Pillow has float, in double where it has double. */
static int hue_of(int r, int g, int b, int max, int min)
{
    float range = (float)(max - min), h;
    float red = (float)(max - r) / range, green = (float)(max - g) / range,
          blue = (float)(max - b) / range;
    double turns;

    if (r == max)
        h = blue - green;
    else if (g == max)
        h = (float)(2.0 + red - blue);
    else
        h = (float)(4.0 + green - red);
    turns = h / 6.0 + 1.0; /* above 5/6 and below 2 */
    if (turns >= 1) turns -= 1;
    return (int)((float)turns * 255.0);
}

/* To the nearest, halves up; x >= 0. */
static uint8_t round_up(double x)
{
    int whole = (int)x;

    return (uint8_t)(x - whole >= 0.5 ? whole + 1 : whole);
}

/* A hue's sixth of the circle, 0 to 6, and its place there. */
typedef struct {
    int sixth;
    float place;
} sector;

static sector sector_of(int hue)
{
    double sixths = hue * 6.0 / 255.0;
    int whole = (int)sixths;

    return (sector){whole, (float)(sixths - whole)};
}

static void to_rgb(const sector *h, int s, int v, uint8_t out[3])
{
    static const int8_t order[6][3] = {/* of v, p, q, t */
                                       {0, 3, 1}, {2, 0, 1}, {1, 0, 3},
                                       {1, 2, 0}, {3, 1, 0}, {0, 1, 2}};
    const int8_t *of = order[h->sixth % 6];
    float saturation = (float)(s / 255.0);
    uint8_t at[4] = {(uint8_t)v, round_up(v * (1.0 - saturation)),
                     round_up(v * (1.0 - saturation * h->place)),
                     round_up(v * (1.0 - saturation * (1.0 - h->place)))};

    for (int c = 0; c < 3; c++) out[c] = at[of[c]];
}

void pt_colour_hue(pt_image *im, float turns)
{
    int shift = (int)(turns * 255.0);
    uint8_t *p = im->pixels;
    sector sectors[256];

    for (int h = 0; h < 256; h++) sectors[h] = sector_of((h + shift) & 255);
    for (size_t n = pixels(im); n > 0; n--, p += 3) {
        int r = p[0], g = p[1], b = p[2];
        int max = r > g ? r : g, min = r < g ? r : g;

        max = max > b ? max : b;
        min = min < b ? min : b;
        if (max == min) continue; /* gray */
        to_rgb(&sectors[hue_of(r, g, b, max, min)],
               (int)((float)(max - min) / (float)max * 255.0), max, p);
    }
}
