/* GIF files to RGB bytes: the only place that knows giflib. */
#ifndef PT_WORKER_GIF_H
#define PT_WORKER_GIF_H

#include "worker/input/image.h"

/* Decodes the first frame of a whole GIF file in memory to RGB, byte for byte as Pillow's
 * convert("RGB") does: transparency dropped, that is a transparent pixel has its colour
 * of the palette; where the frame does not fill the screen, the transparent colour if
 * there is one, else colour 0. A file without palette is gray.
 *
 * warnings  as in pt_picture_decode; always ""
 *
 * PT_ERR_DATA with the reason, *out then empty: giflib refuses the frame, or the file has
 * no end mark after its frames; an index beyond the palette; above PT_IMAGE_MAX_PIXELS,
 * or more pixels than so few bytes can hold. Any thread. */
PT_MUST_USE pt_status pt_gif_decode(const void *file, size_t bytes, pt_image *out,
                                    char *warnings);

/* The size of the screen and the first frame; the pixels are not read. */
PT_MUST_USE pt_status pt_gif_size(const void *file, size_t bytes, int *height,
                                  int *width);

#endif
