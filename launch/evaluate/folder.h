/* A folder of pictures where a packed data set is expected. Local. */
#ifndef PT_LAUNCH_EVALUATE_FOLDER_H
#define PT_LAUNCH_EVALUATE_FOLDER_H

#include <stdbool.h>

#include "common/data/dataset.h"

/* Opens what `ptrain pack FOLDER` makes of it, a file in $TMPDIR (/tmp) that has no name
 * any more. *reported: a failure has its lines on standard error already, which are
 * pack's. */
PT_MUST_USE pt_status pt_folder_open(const char *folder, pt_dataset **out,
                                     bool *reported);

#endif
