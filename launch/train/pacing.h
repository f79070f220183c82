/* What a person sees of the steps while a run trains: lines, or records for the bar of
 * the process that started the job (launch/support/pace.h). Rank 0. */
#ifndef PT_LAUNCH_TRAIN_PACING_H
#define PT_LAUNCH_TRAIN_PACING_H

#include "common/run/run.h"
#include "launch/support/pace.h"
#include "server/hooks.h"

typedef struct {
    const pt_run *run; /* borrowed */
    pt_pace_mode mode;
    double started, shown; /* pt_clock: of this job; the last record, 0: none */
    pt_pace last;          /* of the last step; zeros: none in this job */
} pt_pacing;

/* Before the first step of this job. */
void pt_pacing_init(pt_pacing *p, const pt_run *r);

/* After a step. images_per_s: of all steps that were timed, 0: none was; exposed_s: what
 * communication added to a step. */
void pt_pacing_step(pt_pacing *p, const pt_step_report *r, double images_per_s,
                    double exposed_s);

/* The run is over after the last step, though more were planned: a bar is full. */
void pt_pacing_over(pt_pacing *p);

#endif
