/* GIF files to RGB bytes: the only place that knows giflib. */
#ifndef PT_WORKER_GIF_H
#define PT_WORKER_GIF_H

#include "worker/input/decoder.h"

/* A pt_decoder, of the first frame; the size is that of the screen and this frame. Byte
 * for byte as Pillow's convert("RGB") does: transparency dropped, that is a transparent
 * pixel has its colour of the palette; where the frame does not fill the screen, the
 * transparent colour if there is one, else colour 0. A file without palette is gray.
 *
 * PT_ERR_DATA: giflib refuses the frame, or the file has no end mark after its frames;
 * an index beyond the palette; above PT_IMAGE_MAX_PIXELS, or more pixels than so few
 * bytes can hold. */
PT_MUST_USE pt_status pt_gif_decode(const void *file, size_t bytes, bool size_only,
                                    pt_image *out, char *warning);

#endif
