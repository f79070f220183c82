/* What a file is, by its first bytes. */
#ifndef PT_WORKER_MAGIC_H
#define PT_WORKER_MAGIC_H

#include <stddef.h>

#include "common/base/status.h"

/* The formats that are read; names of files do not count. */
typedef enum {
    PT_PICTURE_UNKNOWN,
    PT_PICTURE_JPEG,
    PT_PICTURE_PNG,
    PT_PICTURE_WEBP,
    PT_PICTURE_GIF,
    PT_PICTURE_BMP,
    PT_PICTURE_TIFF,
    PT_PICTURE_FORMATS
} pt_picture_format;

pt_picture_format pt_magic_format(const void *file, size_t bytes);

/* PT_ERR_DATA: the file is not `what`, its first bytes, and what it is where these are
 * known. */
PT_MUST_USE pt_status pt_magic_refuse(const char *what, const void *file, size_t bytes);

#endif
