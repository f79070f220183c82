/* An image of a packed data set, decoded. */
#ifndef PT_WORKER_PACKED_H
#define PT_WORKER_PACKED_H

#include "common/data/dataset.h"
#include "worker/input/image.h"

/* A thread's buffer for files; {0} at first, grows to the largest. */
typedef struct {
    uint8_t *bytes;
    size_t held;
} pt_packed_file;

void pt_packed_file_fini(pt_packed_file *f);

/* image: below pt_dataset_images. file: NULL reads into memory of its own. out: to be
 * ended by pt_image_fini, also after a failure. The text of a failure names the image.
 * Any thread. */
PT_MUST_USE pt_status pt_packed_decode(const pt_dataset *d, size_t image,
                                       pt_packed_file *file, pt_image *out);

/* Puts the image's number and name before the text of the failure s; returns s. */
PT_MUST_USE pt_status pt_packed_blame(const pt_dataset *d, size_t image, pt_status s);

#endif
