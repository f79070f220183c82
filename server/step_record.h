/* The step record: the only thing that starts, ends or skips a step, writes a checkpoint
 * or changes the rate. Rank 0 makes it from the payloads, the other servers receive it.
 */
#ifndef PT_SERVER_STEP_RECORD_H
#define PT_SERVER_STEP_RECORD_H

#include "common/comm/comm.h"
#include "server/hooks.h"
#include "server/payloads.h"
#include "server/reports.h"
#include "server/saves.h"
#include "server/skips.h"

typedef struct pt_step_record pt_step_record;

/* Borrows all. saves: knows whether a checkpoint is due. reports: what other servers say.
 */
PT_MUST_USE pt_status pt_step_record_create(const pt_run *run, pt_comm *comm,
                                            pt_saves *saves, pt_reports *reports,
                                            pt_step_record **out);
void pt_step_record_destroy(pt_step_record **d);

/* Rank 0: takes the payloads, decides, sends the record to every rank, and fills what it
 * knows of the step into *report. PT_ERR_NUMERIC if the run ends with this step: the
 * record reports to all other ranks. */
PT_MUST_USE pt_status pt_step_record_make(pt_step_record *d, uint64_t step,
                                          Pt__Record__StepRecord *r,
                                          pt_step_report *report);

/* Rank 0, after the test that followed `step`: sends the verdict to every rank. */
PT_MUST_USE pt_status pt_step_record_judge(pt_step_record *d, uint64_t step,
                                           const pt_test_verdict *v);

/* Rank 0, after the last step: a record for the other servers alone.
 * keep: each of them leaves a checkpoint of the end. */
PT_MUST_USE pt_status pt_step_record_end(pt_step_record *d, bool keep);

/* The other servers. */
PT_MUST_USE pt_status pt_step_record_take(pt_step_record *d, Pt__Record__StepRecord *r);

/* After the vote (votes.h), on every server: the step is not to count, since the gradient
 * of `key` is not finite. The gate and its average return to their state before the step.
 * PT_ERR_NUMERIC where run.nonfinite allows no more. */
PT_MUST_USE pt_status pt_step_record_take_back(pt_step_record *d, uint64_t step, int key);

/* Steps skipped so far, and whether this one is. */
pt_skips *pt_step_record_skips(pt_step_record *d);

/* Rank 0: the payloads of this step. */
const pt_payloads *pt_step_record_payloads(const pt_step_record *d);

/* The next step's time must not be measured from this step's record, as a test comes in
 * between.
 */
void pt_step_record_pause(pt_step_record *d);

/* For checkpoints: gate and skips into *p, and from it. */
void pt_step_record_progress(const pt_step_record *d, pt_progress *p);
void pt_step_record_restore(pt_step_record *d, const pt_progress *p);

/* Waits until the last record has been sent. */
PT_MUST_USE pt_status pt_step_record_settle(pt_step_record *d);

#endif
