/* A small JPEG file of an image of a data set, for people to look at. */
#ifndef PT_WORKER_THUMBNAIL_H
#define PT_WORKER_THUMBNAIL_H

#include "common/data/dataset.h"

typedef struct {
    uint8_t *file; /* [bytes] */
    size_t bytes;
    int height, width;
} pt_thumbnail;

/* The longer side has at most `side` pixels; quality 1..100. On failure *out is empty. */
PT_MUST_USE pt_status pt_thumbnail_create(const pt_dataset *d, size_t image, int side,
                                          int quality, pt_thumbnail *out);
void pt_thumbnail_fini(pt_thumbnail *t);

#endif
