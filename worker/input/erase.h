/* A rectangle erased at random. */
#ifndef PT_WORKER_ERASE_H
#define PT_WORKER_ERASE_H

#include <stdbool.h>

#include "common/base/rng.h"
#include "common/base/status.h"

/* min_area <= max_area in [0, 1]; 0 < min_aspect <= max_aspect. */
typedef struct {
    float probability;
    float min_area, max_area;     /* shares of the view's area */
    float min_aspect, max_aspect; /* height / width */
    float value;                  /* in units of the network's input */
    bool noise;                   /* N(0,1) for each value instead */
} pt_erasing;

/* torchvision's RandomErasing, on a view [side][side][3] of network input: with the
 * probability, a rectangle of random area and aspect at a random place; none if ten tries
 * do not fit.
 *
 * Elements of `place`: 0 erases when below the probability; 1 and 2 are the place in y
 * and x, 3 + 2t and 4 + 2t area and aspect of the t-th try. Noise is the first elements
 * of `noise`, row by row. PT_ERR_NOMEM. Local. */
PT_MUST_USE pt_status pt_erase(const pt_erasing *e, const pt_rng *place,
                               const pt_rng *noise, int side, float *view);

#endif
