/* A picture file of any format that is read, to RGB bytes. */
#ifndef PT_WORKER_PICTURE_H
#define PT_WORKER_PICTURE_H

#include "worker/input/decoder.h"

/* Decodes a whole file in memory as Pillow's Image.open(file).convert("RGB") does: JPEG,
 * PNG, WebP, GIF, BMP and TIFF, told apart by their first bytes. The header of each says
 * what is refused.
 *
 * warnings  out, may be NULL: the decoder's first harmless warning, "" if none
 *           [PT_PICTURE_WARNING bytes]
 *
 * PT_ERR_DATA with the reason, *out then empty. Any thread. */
PT_MUST_USE pt_status pt_picture_decode(const void *file, size_t bytes, pt_image *out,
                                        char *warnings);

/* The size in the header; the rest of the file need not be there. */
PT_MUST_USE pt_status pt_picture_size(const void *file, size_t bytes, int *height,
                                      int *width);

#endif
