/* Which format a weights file has, by its content, never by its name. */
#ifndef PT_COMMON_WEIGHTS_DETECT_H
#define PT_COMMON_WEIGHTS_DETECT_H

#include "common/weights/info.h"

/* PT_ERR_IO where the file cannot be opened; PT_ERR_DATA for one of no known format,
 * saying what it is instead (a Git LFS pointer, a web page ...) and what to do. */
PT_MUST_USE pt_status pt_weights_detect(const char *path, pt_format *format);

/* "PyTorch", "Keras": static. */
const char *pt_format_name(pt_format format);

#endif
