/* Pillow's bilinear resize with antialias, bit for bit (Image.resize(size, BILINEAR,
 * box)): fixed-point weights of 22 bits, horizontal pass first, each pass rounded to
 * bytes. Source of the arithmetic: Pillow, Resample.c (8 bits per channel). */
#ifndef PT_WORKER_RESIZE_H
#define PT_WORKER_RESIZE_H

#include "worker/input/jpeg.h"

/* out is allocated here. box: x0, y0, x1, y1 in source pixels, NULL = whole image.
 * height, width >= 1. Local. */
PT_MUST_USE pt_status pt_resize_bilinear(const pt_image *in, const double box[4],
                                         int height, int width, pt_image *out);

#endif
