/* TIFF files to RGB bytes: the only place that knows libtiff. */
#ifndef PT_WORKER_TIFF_H
#define PT_WORKER_TIFF_H

#include "worker/input/image.h"

/* Decodes the first page of a whole TIFF file in memory to RGB, byte for byte as Pillow's
 * convert("RGB") does: gray of 1 to 16 bits (of 16 cut off at 255), palettes, RGB of 8
 * and 16 bits (the upper 8), JPEG inside; alpha dropped, colours that were multiplied by
 * it divided; the orientation applied, as Pillow does for TIFF alone. Strips and tiles,
 * every compression that libtiff has.
 *
 * warnings  out, may be NULL: libtiff's first warning before the pixels, or that gray of
 *           16 bits was cut off; "" if none [256 bytes]
 *
 * PT_ERR_DATA with the reason, *out then empty: libtiff refuses the file or warns among
 * the pixels; other colours (CMYK, Lab), floating point, separate planes, JPEG of the old
 * style; above PT_IMAGE_MAX_PIXELS. Any thread. */
PT_MUST_USE pt_status pt_tiff_decode(const void *file, size_t bytes, pt_image *out,
                                     char *warnings);

/* The size in the header, turned as the picture is; the pixels are not read. */
PT_MUST_USE pt_status pt_tiff_size(const void *file, size_t bytes, int *height,
                                   int *width);

#endif
