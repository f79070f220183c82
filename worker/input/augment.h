/* From a decoded image to network input: resize, crop, flip, change its pixels,
 * normalise, erase. What happens to a sample in an epoch is a pure function of (seed,
 * epoch, sample). */
#ifndef PT_WORKER_AUGMENT_H
#define PT_WORKER_AUGMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/data/view.h"
#include "worker/input/erase.h"
#include "worker/input/image.h"
#include "worker/input/jitter.h"
#include "worker/input/rand_augment.h"

typedef enum { PT_CROP_RANDOM, PT_CROP_RESIZED, PT_CROP_CENTER } pt_crop_mode;

/* resize, crop 1 to 4096, pad 0 to 4096. */
typedef struct {
    pt_resize_mode resize_mode;
    int resize; /* pixels; SHORT_SIDE: the long side is int(resize * long / short) */
    int crop;   /* pixels: side of the network's input */
    pt_crop_mode train_crop;
    int pad;        /* zero-valued (black) pixels on each side before a RANDOM crop */
    float min_area; /* RESIZED: smallest share of the area; aspect 3/4 .. 4/3 */
    bool flip;      /* mirrors half of the training views */
    pt_preprocess preprocess;

    pt_rand_augment rand_augment; /* of the training views; each is off if all 0 */
    pt_jitter jitter;
    pt_erasing erasing;
} pt_augment;

/* The training view of a sample: out [crop][crop][3] float32 (NHWC).
 *
 * Numbers are elements of the stream (seed, PT_RNG_AUGMENT, epoch, sample): 0 and 1 the
 * place of the crop in y and x, 2 mirrors when below 1/2, 3 + 2t and 4 + 2t area and
 * aspect of the t-th try of RESIZED. One table per channel gives the float nearest to
 * (value * scale - mean) / std, computed in double.
 *
 * RANDOM    a window of the resized and padded image, each place equally likely
 * CENTER    the window of the test view
 * RESIZED   as torchvision's RandomResizedCrop, straight from the image (no resize, no
 *           pad before it): at most 10 tries, then the middle. One difference: the
 *           resize sees the pixels around its box, torchvision cuts first
 *
 * The mirrored crop of bytes, padding included, then goes through RandAugment and the
 * jitter, and the floats of it through the erasing, each with streams of its own
 * (PT_RNG_RAND_AUGMENT, _JITTER; _ERASE and _NOISE) for (seed, epoch, sample).
 *
 * PT_ERR_DATA if the resized (and padded) image is smaller than the crop, with both
 * sizes. Local. */
PT_MUST_USE pt_status pt_augment_train(const pt_augment *a, const pt_image *im,
                                       uint64_t seed, uint64_t epoch, uint64_t sample,
                                       float *out);

/* The test view: resized, centre crop as torchvision's CenterCrop, at
 * round((side - crop) / 2), halves to the even number. Errors as above. Local. */
PT_MUST_USE pt_status pt_augment_test(const pt_augment *a, const pt_image *im,
                                      float *out);

/* A window of the resized image: its centre or a corner, mirrored or not; place 0 not
 * mirrored is the test view. Errors as above. Local. */
typedef enum {
    PT_PLACE_CENTRE,
    PT_PLACE_TOP_LEFT,
    PT_PLACE_TOP_RIGHT,
    PT_PLACE_BOTTOM_LEFT,
    PT_PLACE_BOTTOM_RIGHT,
    PT_PLACES
} pt_place;
PT_MUST_USE pt_status pt_augment_at(const pt_augment *a, const pt_image *im,
                                    pt_place place, bool mirrored, float *out);

#endif
