/* An RGB image in memory. */
#ifndef PT_WORKER_IMAGE_H
#define PT_WORKER_IMAGE_H

#include <stdint.h>

#include "common/base/status.h"

/* Rows from the top, 3 bytes a pixel, no padding. */
typedef struct {
    int height, width;
    uint8_t *pixels; /* [height][width][3] */
} pt_image;

/* Largest image that is decoded: 178,956,970 pixels, Pillow's limit against bombs. */
enum { PT_IMAGE_MAX_PIXELS = 178956970 };

/* PT_ERR_DATA where there is no pixel, or more than PT_IMAGE_MAX_PIXELS. */
PT_MUST_USE pt_status pt_image_check(int64_t height, int64_t width);

/* Memory for the pixels, not set. PT_ERR_DATA as pt_image_check, PT_ERR_NOMEM; *im is
 * empty then. */
PT_MUST_USE pt_status pt_image_create(int64_t height, int64_t width, pt_image *im);
void pt_image_fini(pt_image *im);

#endif
