/* BMP files to RGB bytes. */
#ifndef PT_WORKER_BMP_H
#define PT_WORKER_BMP_H

#include "worker/input/image.h"

/* Decodes a whole BMP file in memory to RGB, byte for byte as Pillow's convert("RGB")
 * does: 1, 4 and 8 bits with a palette, 16 bits (5-5-5 or 5-6-5, v * 255 / 31 or 63), 24
 * and 32 bits with whole bytes as channels, alpha dropped; rows from either end.
 *
 * warnings  as in pt_picture_decode; always ""
 *
 * PT_ERR_DATA with the reason, *out then empty: a header, depth or layout of bits that is
 * not known, run-length coding, JPEG or PNG inside; an index beyond the palette; a file
 * that ends before its last pixel; above PT_IMAGE_MAX_PIXELS. Any thread. */
PT_MUST_USE pt_status pt_bmp_decode(const void *file, size_t bytes, pt_image *out,
                                    char *warnings);

/* The size in the header; the pixels are not read. */
PT_MUST_USE pt_status pt_bmp_size(const void *file, size_t bytes, int *height,
                                  int *width);

#endif
