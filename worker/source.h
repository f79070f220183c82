/* Where a worker's images come from: the loader in a run, arrays in tests. */
#ifndef PT_WORKER_SOURCE_H
#define PT_WORKER_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/status.h"
#include "common/run/run.h"

typedef struct {
    void *context;
    /* The images of span at step, [images][side][side][3], and their labels; borrowed
     * until release. Where a method asks for the mirror, as many again: image i's
     * partner, that of position b - 1 - i of the batch. May start on the next batch.
     * Never called for an empty span. */
    pt_status (*batch)(void *context, uint64_t step, const pt_span *span,
                       const float **pixels, const int32_t **labels);
    /* Test view of a block of images [n] (numbers in the data set); `next` [n_next] is
     * what will be asked for after it (n_next may be 0). */
    pt_status (*block)(void *context, const uint32_t *images, size_t n,
                       const uint32_t *next, size_t n_next, const float **pixels);
    void (*release)(void *context);
} pt_source;

#endif
