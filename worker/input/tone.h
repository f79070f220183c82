/* Operations that look a channel's value up in a table, whatever the pixels around it. In
 * place, byte for byte as Pillow's ImageEnhance and ImageOps. */
#ifndef PT_WORKER_TONE_H
#define PT_WORKER_TONE_H

#include "worker/input/image.h"

/* Away from black; from one gray, the mean of the image. 1 changes nothing, >= 0. */
void pt_tone_brightness(pt_image *im, float factor);
void pt_tone_contrast(pt_image *im, float factor);

/* Keeps the upper `bits` of a value, 0 to 8. */
void pt_tone_posterize(pt_image *im, int bits);

/* Inverts what is not below the threshold. */
void pt_tone_solarize(pt_image *im, float threshold);

/* Each channel from its darkest value at 0 to its lightest at 255. */
void pt_tone_autocontrast(pt_image *im);

/* Each channel's values spread so that they are about equally frequent. */
void pt_tone_equalize(pt_image *im);

#endif
