/* WebP files to RGB bytes: the only place that knows libwebp. */
#ifndef PT_WORKER_WEBP_H
#define PT_WORKER_WEBP_H

#include "worker/input/image.h"

/* Decodes a whole WebP file in memory to RGB, byte for byte as Pillow's convert("RGB")
 * does: lossy (fancy upsampling) and lossless, alpha dropped; of an animation the first
 * frame, on black where it does not fill the canvas. Profiles and EXIF are ignored.
 *
 * warnings  as in pt_picture_decode; always ""
 *
 * PT_ERR_DATA with the reason, *out then empty: libwebp refuses the file, or it ends
 * before the size in its header; above PT_IMAGE_MAX_PIXELS. A lossless file of a few
 * bytes may hold that many pixels of one colour. Any thread. */
PT_MUST_USE pt_status pt_webp_decode(const void *file, size_t bytes, pt_image *out,
                                     char *warnings);

/* The size in the header; the pixels are not read. */
PT_MUST_USE pt_status pt_webp_size(const void *file, size_t bytes, int *height,
                                   int *width);

#endif
