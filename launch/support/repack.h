/* A packed file from a packed file: the same data, with the sums that an old one lacks.
 */
#ifndef PT_LAUNCH_SUPPORT_REPACK_H
#define PT_LAUNCH_SUPPORT_REPACK_H

#include "common/data/dataset.h"

/* Reads and verifies `input`, then writes its images, names, splits and pairs to
 * `output`: the checksum stays, so that runs of the one can resume with the other. */
PT_MUST_USE pt_status pt_repack(const char *input, const char *output);

/* Warns, with the remedy, if damage to d, the file `path`, would go unnoticed. */
void pt_repack_advise(const char *path, const pt_dataset *d);

#endif
