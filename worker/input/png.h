/* PNG files to RGB bytes: the only place that knows libpng. */
#ifndef PT_WORKER_PNG_H
#define PT_WORKER_PNG_H

#include "worker/input/image.h"

/* Decodes a whole PNG file in memory to RGB, byte for byte as Pillow's convert("RGB")
 * does: palettes looked up, gray replicated, alpha and transparent colours dropped, of 16
 * bits the upper 8; but gray of 16 bits is cut off at 255, so that most of it is white.
 * Gamma, profiles and EXIF are ignored. Of an animation the still picture.
 *
 * warnings  out, may be NULL: the first harmless warning, "" if none [256 bytes].
 *           Harmless: a fault outside the pixels, data after the last one; gray of 16
 *           bits that was cut off
 *
 * PT_ERR_DATA with the reason, *out then empty: libpng refuses the file (a CRC or a sum
 * that does not match, no end mark); an index beyond the palette; above
 * PT_IMAGE_MAX_PIXELS, or more pixels than so few bytes can hold (deflate makes at most
 * 1032 of one), so that memory follows the file. Any thread. */
PT_MUST_USE pt_status pt_png_decode(const void *file, size_t bytes, pt_image *out,
                                    char *warnings);

/* The size in the header; the pixels are not read. */
PT_MUST_USE pt_status pt_png_size(const void *file, size_t bytes, int *height,
                                  int *width);

#endif
