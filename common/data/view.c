#include "common/data/view.h"

const pt_preprocess pt_preprocess_imagenet = {
    false, 1.0f / 255.0f, {0.485f, 0.456f, 0.406f}, {0.229f, 0.224f, 0.225f}};

const char *const pt_resize_mode_names[3] = {[PT_RESIZE_SQUARE] = "square",
                                             [PT_RESIZE_SHORT_SIDE] = "short_side",
                                             [PT_RESIZE_NONE] = "no_resize"};
