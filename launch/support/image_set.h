/* Images of a packed data set that a command works on, the same on every rank. */
#ifndef PT_LAUNCH_SUPPORT_IMAGE_SET_H
#define PT_LAUNCH_SUPPORT_IMAGE_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/data/dataset.h"

typedef struct {
    pt_dataset *data;
    uint32_t *images; /* [n] */
    size_t n;
} pt_image_set;

/* Collective: opens path on every rank, whose files must be the same, and selects the
 * images of split; per_class > 0: the first of each class. A failure is agreed. */
PT_MUST_USE pt_status pt_image_set_open(const char *path, const char *split,
                                        uint32_t per_class, pt_image_set *out);
void pt_image_set_fini(pt_image_set *s);

/* Local: refuses an output that is one of the n inputs or, on rank 0, exists already
 * (unless overwrite). */
PT_MUST_USE pt_status pt_check_output(const char *out, bool overwrite,
                                      const char *const *inputs, int n);

#endif
