/* Threads that decode and augment ahead of the step. What a batch holds depends only on
 * the caller's list of requests; threads only affect when it is ready. */
#ifndef PT_WORKER_LOADER_H
#define PT_WORKER_LOADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/data/dataset.h"
#include "worker/input/augment.h"

/* One thread at a time may call these functions (the step's); the loader has its own. */
typedef struct pt_loader pt_loader;

typedef struct {
    const pt_dataset *data;    /* borrowed until the loader is destroyed */
    const pt_augment *augment; /* copied */
    uint64_t seed;
    int n_threads;     /* 1 to 64 */
    int depth;         /* batches held ahead, >= 1 (2 is enough) */
    size_t max_images; /* of one batch, >= 1 */
} pt_loader_options;

/* Allocates depth * max_images * crop * crop * 12 bytes once: batches allocate nothing
 * except the decoder's own buffers. On failure *out is NULL. */
PT_MUST_USE pt_status pt_loader_create(const pt_loader_options *opt, pt_loader **out);

/* Stops the threads, whatever they are doing (each ends its current image), and frees
 * everything. Sets *l to NULL; NULL and &NULL are allowed. */
void pt_loader_destroy(pt_loader **l);

/* Asks for a batch: images [n] of the data set, in this order (copied); train: the
 * training view of `epoch`, where the image's number is the sample; else the test view.
 * Batches come out in the order they were asked for. n = 0 is an empty batch. Returns
 * false (and takes nothing) when `depth` batches are not yet released. */
bool pt_loader_request(pt_loader *l, const uint32_t *images, size_t n, bool train,
                       uint64_t epoch);

/* The oldest batch asked for: *pixels [n][crop][crop][3], *labels [n]; both stay valid
 * until pt_loader_release. Waits for the threads (which wait only for the disk).
 *
 * A failed image fails its batch, not the others: status and text are those of the first
 * failed image in the batch's order, whatever the number of threads ("image 17
 * (daisy/0017.jpg): premature end of JPEG file"). The failed batch, too, is dropped by
 * pt_loader_release. PT_ERR_BUG if no batch was asked for. */
PT_MUST_USE pt_status pt_loader_get(pt_loader *l, const float **pixels,
                                    const int32_t **labels, size_t *n);

/* A batch was asked for and pt_loader_get would return it at once. */
bool pt_loader_ready(const pt_loader *l);

/* Drops the oldest batch, and waits for it first if nobody did; nothing if there is
 * none. */
void pt_loader_release(pt_loader *l);

#endif
