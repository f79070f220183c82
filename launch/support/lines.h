/* Text files with one item per line. */
#ifndef PT_LAUNCH_SUPPORT_LINES_H
#define PT_LAUNCH_SUPPORT_LINES_H

#include <stddef.h>

#include "common/base/status.h"

/* The lines of a file without their ends (LF or CRLF); a last empty line does not count.
 * One block that free(*lines) releases. At most 2^20 lines of 4096 bytes. */
PT_MUST_USE pt_status pt_lines_read(const char *path, char ***lines, size_t *n);

#endif
