/* A step's line of metrics.jsonl. */
#ifndef PT_LAUNCH_TRAIN_STEP_LINE_H
#define PT_LAUNCH_TRAIN_STEP_LINE_H

#include <jansson.h>

#include "launch/train/times.h"
#include "server/hooks.h"

/* Pure. split: of report->times, all zeros if they are of no step. ratios
 * [report->images]: scratch. NULL without memory. */
json_t *pt_step_line(const pt_step_report *r, const pt_split *split, double *ratios);

#endif
