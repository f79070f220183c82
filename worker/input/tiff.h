/* TIFF files to RGB bytes: the only place that knows libtiff. */
#ifndef PT_WORKER_TIFF_H
#define PT_WORKER_TIFF_H

#include "worker/input/decoder.h"

/* A pt_decoder, of the first page; the size is turned as the picture is. Byte for byte
 * as Pillow's convert("RGB") does: gray of 1 to 16 bits (of 16 cut off at 255),
 * palettes, RGB of 8 and 16 bits (the upper 8), JPEG inside; alpha dropped, colours that
 * were multiplied by it divided; the orientation applied, as Pillow does for TIFF alone.
 * Strips and tiles, every compression that libtiff has.
 *
 * warning  libtiff's before the pixels; gray of 16 bits was cut off
 *
 * PT_ERR_DATA: libtiff refuses the file or warns among the pixels; other colours (CMYK,
 * Lab), floating point, separate planes, JPEG of the old style; above
 * PT_IMAGE_MAX_PIXELS. */
PT_MUST_USE pt_status pt_tiff_decode(const void *file, size_t bytes, bool size_only,
                                     pt_image *out, char *warning);

#endif
