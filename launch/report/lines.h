/* metrics.jsonl of a finished run, line by line. */
#ifndef PT_LAUNCH_REPORT_LINES_H
#define PT_LAUNCH_REPORT_LINES_H

#include <jansson.h>
#include <stdbool.h>

#include "common/base/status.h"

/* Reading a line as JSON takes twenty microseconds, and runs have up to millions: `wants`
 * is asked first, with the line's text [n] (a text itself as well). NULL: all are wanted.
 */
typedef struct {
    bool (*wants)(void *context, const char *text, size_t n);
    void (*take)(void *context, const json_t *line);
    void *context;
} pt_lines_reader;

/* Calls take for each line that is wanted, in their order. A missing file, or such a line
 * that is not a JSON object, is PT_ERR_DATA or PT_ERR_IO naming the file. */
PT_MUST_USE pt_status pt_lines_each(const char *dir, const pt_lines_reader *r);

#endif
