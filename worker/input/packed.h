/* An image of a packed data set, decoded. */
#ifndef PT_WORKER_PACKED_H
#define PT_WORKER_PACKED_H

#include "common/data/dataset.h"
#include "worker/input/jpeg.h"

/* out: to be ended by pt_image_fini, also after a failure. The text of a failure to
 * decode names the image. Any thread. The loader, which keeps its buffer, has its own. */
PT_MUST_USE pt_status pt_packed_decode(const pt_dataset *d, size_t image, pt_image *out);

#endif
