/* Affine maps of an image. */
#ifndef PT_WORKER_AFFINE_H
#define PT_WORKER_AFFINE_H

#include "worker/input/image.h"

/* Image.transform(size, AFFINE, m, NEAREST), byte for byte: the pixel (x, y) of out,
 * whose size is the caller's, is that of `in` at
 *
 *     m[0] (x + 1/2) + m[1] (y + 1/2) + m[2],  m[3] (x + 1/2) + m[4] (y + 1/2) + m[5]
 *
 * in 16 bits of fraction; black outside. in and out do not overlap; every coordinate of
 * the map is below 32768. */
void pt_affine_nearest(const pt_image *in, const double m[6], pt_image *out);

#endif
