/* WebP files to RGB bytes: the only place that knows libwebp. */
#ifndef PT_WORKER_WEBP_H
#define PT_WORKER_WEBP_H

#include "worker/input/decoder.h"

/* A pt_decoder. Byte for byte as Pillow's convert("RGB") does: lossy (fancy upsampling)
 * and lossless, alpha dropped; of an animation the first frame, on black where it does
 * not fill the canvas. Profiles and EXIF are ignored.
 *
 * PT_ERR_DATA: libwebp refuses the file, or it ends before the size in its header; above
 * PT_IMAGE_MAX_PIXELS. A lossless file of a few bytes may hold that many pixels of one
 * colour. */
PT_MUST_USE pt_status pt_webp_decode(const void *file, size_t bytes, bool size_only,
                                     pt_image *out, char *warning);

#endif
