/* Threads that decode and augment ahead of the step. What a batch holds is decided by the
 * caller's list of requests alone; threads only change when it is ready. */
#ifndef PT_WORKER_LOADER_H
#define PT_WORKER_LOADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/dataset.h"
#include "worker/input/augment.h"

typedef struct pt_loader pt_loader;

typedef struct {
    const pt_dataset *data;    /* borrowed */
    const pt_augment *augment; /* copied */
    uint64_t seed;
    int n_threads;     /* >= 1 */
    int depth;         /* batches held ahead, >= 1 (2 is enough) */
    size_t max_images; /* of one batch */
} pt_loader_options;

PT_MUST_USE pt_status pt_loader_create(const pt_loader_options *opt, pt_loader **out);
void pt_loader_destroy(pt_loader **l); /* stops the threads, whatever they are doing */

/* Asks for a batch: images [n] of the data set, in this order; train: the training view
 * of `epoch`, else the test view. Batches come out in the order they were asked for.
 * Returns false (and takes nothing) when `depth` batches are already under way. */
bool pt_loader_request(pt_loader *l, const uint32_t *images, size_t n, bool train,
                       uint64_t epoch);

/* The oldest batch asked for: *pixels [n][crop][crop][3], *labels [n]; both stay valid
 * until pt_loader_release. Waits for the threads (they wait for nothing but the disk).
 * A failed image fails the batch: status and text name the image. */
PT_MUST_USE pt_status pt_loader_get(pt_loader *l, const float **pixels,
                                    const int32_t **labels, size_t *n);
bool pt_loader_ready(const pt_loader *l); /* would pt_loader_get return at once? */
void pt_loader_release(pt_loader *l);

#endif
