/* From a decoded image to network input: resize, crop, flip, normalise. What happens to a
 * sample in an epoch is a pure function of (seed, epoch, sample). */
#ifndef PT_WORKER_AUGMENT_H
#define PT_WORKER_AUGMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/weights/weights.h"
#include "worker/input/jpeg.h"

typedef enum { PT_RESIZE_SQUARE, PT_RESIZE_SHORT_SIDE, PT_RESIZE_NONE } pt_resize_mode;
typedef enum { PT_CROP_RANDOM, PT_CROP_RESIZED, PT_CROP_CENTER } pt_crop_mode;

typedef struct {
    pt_resize_mode resize_mode;
    int resize;          /* pixels */
    int crop;            /* pixels: side of the network's input */
    pt_crop_mode train_crop;
    int pad;             /* zero-valued (black) pixels on each side before a RANDOM crop */
    float min_area;      /* RESIZED: smallest share of the area; aspect 3/4 .. 4/3 */
    bool flip;
    pt_preprocess preprocess;
} pt_augment;

/* The training view of a sample: out [crop][crop][3] float32 (NHWC). PT_ERR_DATA if the
 * resized image is smaller than the crop, with both sizes. */
PT_MUST_USE pt_status pt_augment_train(const pt_augment *a, const pt_image *im,
                                       uint64_t seed, uint64_t epoch, uint64_t sample,
                                       float *out);

/* The test view: resized, centre crop at floor((side - crop) / 2) ... as torchvision's
 * CenterCrop: round((side - crop) / 2). */
PT_MUST_USE pt_status pt_augment_test(const pt_augment *a, const pt_image *im, float *out);

#endif
