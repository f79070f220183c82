/* How a network sees an image: its size, and how pixels become numbers. */
#ifndef PT_COMMON_DATA_VIEW_H
#define PT_COMMON_DATA_VIEW_H

#include <stdbool.h>

/* How pixels 0..255 become input: (x * scale - mean[c]) / std[c], channels in order. */
typedef struct {
    bool bgr;
    float scale;
    float mean[3], std[3]; /* in the order of the channels after `bgr` was applied */
} pt_preprocess;

/* How an image becomes the size of the input: resized, then the centre is cut out. */
typedef enum { PT_RESIZE_SQUARE, PT_RESIZE_SHORT_SIDE, PT_RESIZE_NONE } pt_resize_mode;
typedef struct {
    pt_resize_mode mode;
    int resize; /* pixels: both sides, or the short side */
} pt_geometry;

/* "square", "short_side", "no_resize". */
extern const char *const pt_resize_mode_names[3];

/* RGB, 1/255, mean .485 .456 .406, std .229 .224 .225 (torchvision). */
extern const pt_preprocess pt_preprocess_imagenet;

#endif
