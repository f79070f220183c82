/* metrics.jsonl of a run that goes on: what stays of it. */
#ifndef PT_LAUNCH_METRICS_H
#define PT_LAUNCH_METRICS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/status.h"

/* A number of a line, or of result.json; null where it is not finite: JSON has no NaN. */
json_t *pt_metrics_number(double x);

/* Keeps the lines of steps below first_step, but not those of tests after the step before
 * it where that test is owed (it will be done again): path is replaced in one move by a
 * file of these alone, and kept(context, line), where it is not NULL, is called for each.
 * A line cut by a crash goes. No file is as an empty one. */
PT_MUST_USE pt_status pt_metrics_keep(const char *path, uint64_t first_step,
                                      bool test_owed,
                                      void (*kept)(void *context, const json_t *line),
                                      void *context);

#endif
