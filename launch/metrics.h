/* metrics.jsonl of a run that goes on: what stays of it. */
#ifndef PT_LAUNCH_METRICS_H
#define PT_LAUNCH_METRICS_H

#include <jansson.h>
#include <stdint.h>

#include "common/status.h"

/* Keeps the lines of steps below first_step: path is replaced in one move by a file of
 * these alone, and kept(context, line) is called for each. A line cut by a crash goes.
 * No file is as an empty one. */
PT_MUST_USE pt_status pt_metrics_keep(const char *path, uint64_t first_step,
                                      void (*kept)(void *context, const json_t *line),
                                      void *context);

#endif
