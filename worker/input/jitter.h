/* Colours at random. */
#ifndef PT_WORKER_JITTER_H
#define PT_WORKER_JITTER_H

#include <stdbool.h>

#include "common/base/rng.h"
#include "worker/input/image.h"

/* How far each may go; 0 leaves it out. hue is at most 1/2. */
typedef struct {
    float brightness, contrast, saturation, hue;
} pt_jitter;

bool pt_jitter_is_on(const pt_jitter *j);

/* torchvision's ColorJitter, in place: brightness, contrast and saturation by a factor
 * from [max(0, 1 - x), 1 + x], the hue by a share of the circle from [-x, x], one after
 * another in random order.
 *
 * Elements 0 to 3 of the stream are these four, uniform; 5 to 7 their order, as those of
 * pt_rng_permutation. Local. */
void pt_jitter_apply(const pt_jitter *j, const pt_rng *r, pt_image *im);

#endif
