/* This program's own file. */
#ifndef PT_COMMON_BASE_PROGRAM_H
#define PT_COMMON_BASE_PROGRAM_H

#include <stddef.h>

#include "common/base/status.h"

/* Its path. PT_ERR_IO without /proc, or if it does not fit in path [n]. */
PT_MUST_USE pt_status pt_program_path(char *path, size_t n);

#endif
