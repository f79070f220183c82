/* metrics.jsonl: prunes it on resume, and adds lines.
 *
 * A line that cannot be written (the disk is full) does not end training: it is kept in
 * memory and written, in order, when there is space again. Nor does it prevent a
 * checkpoint: what a resumed run needs is in the checkpoint's tally, and lines that a
 * crash lost matter only to people, who get a warning. */
#ifndef PT_LAUNCH_TRAIN_METRICS_H
#define PT_LAUNCH_TRAIN_METRICS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/status.h"

/* A number of a line, or of result.json; null where it is not finite: JSON has no NaN. */
json_t *pt_metrics_number(double x);

/* Of how many steps lines stay; and lines of steps from first_step on went, which took
 * that long. */
typedef struct {
    uint64_t steps, lost;
    double lost_s;
} pt_metrics_kept;

/* Prunes the file on resume: keeps the lines of steps below first_step, except those of a
 * test after the step before it if that test is owed (it will be repeated). The file is
 * truncated at the first other line, or at one that a crash or damage left incomplete.
 * kept(context, line), if not NULL, is called for each that stays. The file is read line
 * by line, however long it is. A missing file counts as empty. */
PT_MUST_USE pt_status pt_metrics_keep(const char *path, uint64_t first_step,
                                      bool test_owed,
                                      void (*kept)(void *context, const json_t *line),
                                      void *context, pt_metrics_kept *steps);

typedef struct pt_metrics pt_metrics;

/* Opens or creates path; lines are appended. */
PT_MUST_USE pt_status pt_metrics_open(const char *path, pt_metrics **out);

/* take(context, line) is called for each line that is put from now on. One at most. */
void pt_metrics_also(pt_metrics *m, void (*take)(void *context, const json_t *line),
                     void *context);

/* Writes the kept lines if possible; a warning reports how many are lost. */
void pt_metrics_close(pt_metrics **m);

/* Adds a line and takes ownership of it. If it cannot be written it is kept, with one
 * warning; if 64 MB are kept already it is lost, with one warning and a count at the end.
 */
PT_MUST_USE pt_status pt_metrics_put(pt_metrics *m, json_t *line);

/* Are all lines on disk, as far as the system reports? Else PT_ERR_IO with the reason,
 * and those that may not be are kept. */
PT_MUST_USE pt_status pt_metrics_sync(pt_metrics *m);

/* The same, but not as a failure: one warning, as in put. */
void pt_metrics_save(pt_metrics *m);

#endif
