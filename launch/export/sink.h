/* A file that is written from its start to its end and takes its name once it is whole.
 */
#ifndef PT_LAUNCH_EXPORT_SINK_H
#define PT_LAUNCH_EXPORT_SINK_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/status.h"

typedef struct pt_sink pt_sink;

/* bytes: about how many will follow; their space is looked for first. On failure *out is
 * NULL. */
PT_MUST_USE pt_status pt_sink_open(const char *path, uint64_t bytes, pt_sink **out);

/* After a failure, nothing is written and the first failure is returned again. */
PT_MUST_USE pt_status pt_sink_write(pt_sink *k, const void *bytes, size_t n);

/* Ends *k. s PT_OK: what was written becomes path. Else it is removed, and s returned. */
PT_MUST_USE pt_status pt_sink_close(pt_sink **k, pt_status s);

#endif
