/* Operations on the colour of each pixel by itself. In place, byte for byte as Pillow and
 * torchvision's functional_pil. */
#ifndef PT_WORKER_COLOUR_H
#define PT_WORKER_COLOUR_H

#include "worker/input/image.h"

/* ImageEnhance.Color: away from the pixel's own gray; 1 changes nothing, >= 0. */
void pt_colour_saturation(pt_image *im, float factor);

/* adjust_hue: the hue turns by `turns`, -1/2 to 1/2, cut to whole 255ths. The way through
 * Pillow's HSV of 8 bits rounds colours also where the hue stays. */
void pt_colour_hue(pt_image *im, float turns);

#endif
