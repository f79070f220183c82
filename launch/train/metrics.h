/* metrics.jsonl: what stays of it when a run goes on, and the lines that are added.
 *
 * A line that cannot be written (the disk is full) is no reason to end training: it is
 * kept in memory and written, in order, when there is room again. Nor is it a reason not
 * to write a checkpoint: what a run that goes on needs is in the checkpoint's tally, and
 * lines that a crash took are missed only by people, who are told. */
#ifndef PT_LAUNCH_TRAIN_METRICS_H
#define PT_LAUNCH_TRAIN_METRICS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/status.h"

/* A number of a line, or of result.json; null where it is not finite: JSON has no NaN. */
json_t *pt_metrics_number(double x);

/* Keeps the lines of steps below first_step, but not those of tests after the step before
 * it where that test is owed (it will be done again): the file is cut at the first other
 * line, or at one that a crash or damage left half. kept(context, line), where it is not
 * NULL, is called for each. *steps: of how many steps there are lines. The file is read
 * line by line, however long it is. No file is as an empty one. */
PT_MUST_USE pt_status pt_metrics_keep(const char *path, uint64_t first_step,
                                      bool test_owed,
                                      void (*kept)(void *context, const json_t *line),
                                      void *context, uint64_t *steps);

typedef struct pt_metrics pt_metrics;

/* Opens path, or makes it; lines are added at its end. */
PT_MUST_USE pt_status pt_metrics_open(const char *path, pt_metrics **out);

/* Writes what is kept, if it can; a warning says how many lines are lost. */
void pt_metrics_close(pt_metrics **m);

/* Adds a line; takes it. Where it cannot be written it is kept, which is said once; where
 * 64 MB are kept already it is lost, which is said once and counted at the end. */
PT_MUST_USE pt_status pt_metrics_put(pt_metrics *m, json_t *line);

/* Are all lines on the disk, as far as the system says so? Else PT_ERR_IO with why, and
 * those that may not be are kept. */
PT_MUST_USE pt_status pt_metrics_sync(pt_metrics *m);

/* The same where that is no failure: said once, as in put. */
void pt_metrics_save(pt_metrics *m);

#endif
