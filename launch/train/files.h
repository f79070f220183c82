/* The files that a run reads, before it reads them. Local. */
#ifndef PT_LAUNCH_TRAIN_FILES_H
#define PT_LAUNCH_TRAIN_FILES_H

#include "common/config/config.h"
#include "common/data/dataset.h"

/* PT_ERR_IO unless `path` can be read; the line names the key, as the file's name may
 * come from a part that the user never opened, and ends in `help`. */
PT_MUST_USE pt_status pt_files_can_open(const char *key, const char *path,
                                        const char *help);

/* Opens the packed file that `key` names; a child process looks at it first. */
PT_MUST_USE pt_status pt_files_open_data(const char *key, const char *path,
                                         pt_dataset **out);

/* The start weights can be read, and by which reader: a child process looks at .h5 files
 * first. */
PT_MUST_USE pt_status pt_files_try_weights(const Pt__Config__Network *n);

/* Data set, source data set, start weights and files of methods, as far as `c` names
 * them; each fault is logged. The status of the first. */
PT_MUST_USE pt_status pt_files_check(const pt_config *c);

#endif
