/* Sharper or smoother. */
#ifndef PT_WORKER_SHARPEN_H
#define PT_WORKER_SHARPEN_H

#include "worker/input/image.h"

/* ImageEnhance.Sharpness, byte for byte, in place: away from the image smoothed by
 * {1 1 1, 1 5 1, 1 1 1} / 13, whose border is the image's; 1 changes nothing, >= 0.
 * PT_ERR_NOMEM. */
PT_MUST_USE pt_status pt_sharpen(pt_image *im, float factor);

#endif
