/* JPEG files to RGB bytes and back: the only place that knows libjpeg. */
#ifndef PT_WORKER_JPEG_H
#define PT_WORKER_JPEG_H

#include <stddef.h>
#include <stdint.h>

#include "worker/input/decoder.h"

/* A pt_decoder. Bit for bit as Pillow's convert("RGB") does: slow integer DCT, fancy
 * upsampling, gray replicated; every CMYK and YCCK file is taken to be stored inverted
 * (as Adobe does), R = K - (255 - C) K / 255 of the stored bytes; EXIF orientation
 * ignored. Magic bytes decide, not names.
 *
 * warning  junk before a marker, an unknown JFIF revision or Adobe transform, odd scan
 *          parameters of a baseline file
 *
 * PT_ERR_DATA: libjpeg refuses the file, or would make up pixels (it ends before its end
 * mark, a bad code, a lost restart marker, scans that contradict each other, a component
 * without scan); above PT_IMAGE_MAX_PIXELS; more than 500 scans or 2^32 pixels times
 * scans (so that a file of a few bytes cannot cost minutes); more than 1 GiB for the
 * pixels and the coefficients of several scans; more pixels than so few bytes can hold
 * (1024 for each byte of a file with Huffman codes), so that memory follows the file. */
PT_MUST_USE pt_status pt_jpeg_decode(const void *file, size_t bytes, bool size_only,
                                     pt_image *out, char *warning);

/* Encodes RGB as a baseline 4:2:0 JPEG; *file is malloc'd. quality 1..100. */
PT_MUST_USE pt_status pt_jpeg_encode(const pt_image *im, int quality, uint8_t **file,
                                     size_t *bytes);

#endif
