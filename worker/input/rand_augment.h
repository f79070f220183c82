/* RandAugment (Cubuk et al., CVPR Workshops 2020), as torchvision has it. */
#ifndef PT_WORKER_RAND_AUGMENT_H
#define PT_WORKER_RAND_AUGMENT_H

#include <stdbool.h>

#include "common/base/rng.h"
#include "worker/input/image.h"

typedef struct {
    int num_ops;   /* operations on each image; 0: none */
    int magnitude; /* 0 to bins - 1 */
    int bins;      /* >= 2; magnitude bins - 1 is the strongest */
} pt_rand_augment;

/* In torchvision's order. */
typedef enum {
    PT_RA_IDENTITY,
    PT_RA_SHEAR_X,
    PT_RA_SHEAR_Y,
    PT_RA_TRANSLATE_X,
    PT_RA_TRANSLATE_Y,
    PT_RA_ROTATE,
    PT_RA_BRIGHTNESS,
    PT_RA_COLOR,
    PT_RA_CONTRAST,
    PT_RA_SHARPNESS,
    PT_RA_POSTERIZE,
    PT_RA_SOLARIZE,
    PT_RA_AUTO_CONTRAST,
    PT_RA_EQUALIZE,
    PT_RA_OPS
} pt_ra_op;

/* One operation with a magnitude of `ra`, towards the other side where `minus` and the
 * operation has two; in place. Pixels from outside are black, the nearest pixel is taken:
 * torchvision's defaults. PT_ERR_NOMEM. */
PT_MUST_USE pt_status pt_rand_augment_op(const pt_rand_augment *ra, pt_ra_op op,
                                         bool minus, pt_image *im);

/* num_ops operations, each of the fourteen equally likely. Elements 2t and 2t + 1 of the
 * stream: the t-th operation; towards the other side below 1/2. PT_ERR_NOMEM. Local. */
PT_MUST_USE pt_status pt_rand_augment_apply(const pt_rand_augment *ra, const pt_rng *r,
                                            pt_image *im);

#endif
