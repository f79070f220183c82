/* Decodes every image once while packing, so that training never meets a bad one. */
#ifndef PT_LAUNCH_CHECK_H
#define PT_LAUNCH_CHECK_H

#include <stddef.h>

#include "common/base/digest.h"
#include "common/base/status.h"
#include "launch/layouts/layout.h"
#include "worker/input/picture.h"

typedef struct {
    pt_status status;
    char *reason; /* why it is bad, "PATH: ..."; NULL where it is good */
    char warning[PT_PICTURE_WARNING]; /* the decoder's first harmless one, "" if none */
    int height, width;
    size_t bytes;               /* of the file */
    char digest[PT_DIGEST_HEX]; /* of its bytes; "" where it is bad */
} pt_checked;

/* out [n], one entry per image in the same order, whichever thread decoded it; released
 * with pt_checked_fini. n_threads: 0 = as many as this process may use cores. A bad image
 * does not make this function fail. Needs about 1 GiB, and 130 MB more for every thread:
 * large images are decoded one at a time. */
PT_MUST_USE pt_status pt_check_images(const pt_layout_image *images, size_t n,
                                      int n_threads, pt_checked *out);
void pt_checked_fini(pt_checked *c, size_t n);

#endif
