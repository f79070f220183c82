/* JPEG files to RGB bytes and back: the only place that knows libjpeg. */
#ifndef PT_WORKER_JPEG_H
#define PT_WORKER_JPEG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/status.h"

/* An RGB image, rows from the top, 3 bytes a pixel, no padding. */
typedef struct {
    int height, width;
    uint8_t *pixels; /* [height][width][3] */
} pt_image;

void pt_image_fini(pt_image *im);

/* Largest image that is decoded: 178,956,970 pixels, Pillow's limit against bombs. */
enum { PT_JPEG_MAX_PIXELS = 178956970 };

/* Decodes a whole JPEG file in memory to RGB, as Pillow's convert("RGB") does: slow
 * integer DCT, fancy upsampling, gray replicated, CMYK and YCCK (Adobe: inverted) as
 * (255 - C) (255 - K) / 255 ..., EXIF orientation ignored. Magic bytes decide.
 *
 * warnings  out, may be NULL: text of the decoder's first harmless warning, "" if none
 *           [256 bytes]
 * A file that libjpeg refuses, that ends early or has a bad code is PT_ERR_DATA with the
 * reason; *out is then empty. Any thread; needs at most 1 GiB. */
PT_MUST_USE pt_status pt_jpeg_decode(const void *file, size_t bytes, pt_image *out,
                                     char *warnings);

/* Size in the header only. */
PT_MUST_USE pt_status pt_jpeg_size(const void *file, size_t bytes, int *height, int *width);

/* Encodes RGB as a baseline 4:2:0 JPEG; *file is malloc'd. quality 1..100. */
PT_MUST_USE pt_status pt_jpeg_encode(const pt_image *im, int quality, uint8_t **file,
                                     size_t *bytes);

#endif
