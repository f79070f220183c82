/* `run.trace`: a timeline of all ranks, in the format of Chrome's trace viewer and
 * Perfetto. Ranks record spans (common/run/trace.h); at the end rank 0 gathers and writes
 * them, on its own clock: how far the others are ahead is measured at the start and at
 * the end. */
#ifndef PT_LAUNCH_TRAIN_TIMELINE_H
#define PT_LAUNCH_TRAIN_TIMELINE_H

#include "common/run/run.h"

typedef struct pt_timeline pt_timeline;

/* Collective. Nothing, and *out is NULL, if the configuration names no file; else
 * run->trace begins. */
PT_MUST_USE pt_status pt_timeline_begin(pt_run *run, pt_timeline **out);

/* Collective, after a run that ended well or stopped with a checkpoint: writes the file
 * and says so. A file that cannot be written is a warning; any other failure ends the
 * job. */
void pt_timeline_write(pt_timeline *t, const pt_run *run);
void pt_timeline_destroy(pt_timeline **t);

#endif
