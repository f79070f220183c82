/* metrics.jsonl of a finished run, line by line. */
#ifndef PT_LAUNCH_REPORT_LINES_H
#define PT_LAUNCH_REPORT_LINES_H

#include <jansson.h>

#include "common/base/status.h"

/* Calls take for each line, in their order. A missing file, or a line that is not a JSON
 * object, is PT_ERR_DATA or PT_ERR_IO naming the file. */
PT_MUST_USE pt_status pt_lines_each(const char *dir,
                                    void (*take)(void *context, const json_t *line),
                                    void *context);

#endif
