/* Pillow's bilinear resize with antialias, bit for bit (Image.resize(size, BILINEAR,
 * box)): fixed-point weights of 22 bits, horizontal pass first, each pass rounded to
 * bytes. Source of the arithmetic: Pillow, Resample.c (8 bits per channel). */
#ifndef PT_WORKER_RESIZE_H
#define PT_WORKER_RESIZE_H

#include "worker/input/image.h"

/* A part of an image, in pixels. */
typedef struct {
    int y, x, height, width;
} pt_region;

/* out is allocated here. box: x0, y0, x1, y1 in source pixels, NULL = whole image; it
 * is rounded to float, as in Pillow. Pixels just outside the box take part (Pillow).
 * height, width >= 1. PT_ERR_SHAPE for a box that is empty or not inside the image and
 * for a result of more than PT_IMAGE_MAX_PIXELS. Local. */
PT_MUST_USE pt_status pt_resize_bilinear(const pt_image *in, const double box[4],
                                         int height, int width, pt_image *out);

/* Only `window` of what pt_resize_bilinear would give, with the same bytes, at the cost
 * of the window: the resized image may be larger than memory. */
PT_MUST_USE pt_status pt_resize_window(const pt_image *in, const double box[4],
                                       int height, int width, const pt_region *window,
                                       pt_image *out);

#endif
