/* BMP files to RGB bytes. */
#ifndef PT_WORKER_BMP_H
#define PT_WORKER_BMP_H

#include "worker/input/decoder.h"

/* A pt_decoder. Byte for byte as Pillow's convert("RGB") does: 1, 4 and 8 bits with a
 * palette, 16 bits (5-5-5 or 5-6-5, v * 255 / 31 or 63), 24 and 32 bits with whole bytes
 * as channels, alpha dropped; rows from either end.
 *
 * PT_ERR_DATA: a header, depth or layout of bits that is not known, run-length coding,
 * JPEG or PNG inside; an index beyond the palette; a file that ends before its last
 * pixel; above PT_IMAGE_MAX_PIXELS. */
PT_MUST_USE pt_status pt_bmp_decode(const void *file, size_t bytes, bool size_only,
                                    pt_image *out, char *warning);

#endif
