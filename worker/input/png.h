/* PNG files to RGB bytes: the only place that knows libpng. */
#ifndef PT_WORKER_PNG_H
#define PT_WORKER_PNG_H

#include "worker/input/decoder.h"

/* A pt_decoder. Byte for byte as Pillow's convert("RGB") does: palettes looked up, gray
 * replicated, alpha and transparent colours dropped, of 16 bits the upper 8; but gray of
 * 16 bits is cut off at 255, so that most of it is white. Gamma, profiles and EXIF are
 * ignored. Of an animation the still picture.
 *
 * warning  a fault outside the pixels, data after the last one; gray of 16 bits that was
 *          cut off
 *
 * PT_ERR_DATA: libpng refuses the file (a CRC or a sum that does not match, no end
 * mark); an index beyond the palette; above PT_IMAGE_MAX_PIXELS, or more pixels than so
 * few bytes can hold (deflate makes at most 1032 of one), so that memory follows the
 * file. */
PT_MUST_USE pt_status pt_png_decode(const void *file, size_t bytes, bool size_only,
                                    pt_image *out, char *warning);

#endif
