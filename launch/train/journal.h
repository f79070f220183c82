/* What rank 0 records during a run: metrics.jsonl, progress lines, and at the end
 * predictions, model and result. Its functions are the server's hooks. */
#ifndef PT_LAUNCH_TRAIN_JOURNAL_H
#define PT_LAUNCH_TRAIN_JOURNAL_H

#include "launch/train/setup.h"
#include "launch/train/waits.h"
#include "server/serve.h"

typedef struct pt_journal pt_journal;

/* Borrows u. Opens metrics.jsonl in the run directory; on resume, the lines of completed
 * steps are kept. from: the checkpoint's progress, or zeros; if it has no tally, the
 * lines are counted again. */
PT_MUST_USE pt_status pt_journal_create(const pt_setup *u, const pt_progress *from,
                                        pt_journal **out);
void pt_journal_destroy(pt_journal **j);

pt_server_hooks pt_journal_hooks(pt_journal *j);

/* After a stop with a checkpoint: notes the end of this job, prints the line that reports
 * it. */
void pt_journal_stopped(pt_journal *j);

/* After the run: model.h5, result.json, and the lines with the result and the hashes.
 * costs, waits: of all of it. */
PT_MUST_USE pt_status pt_journal_finish(pt_journal *j, const pt_server_costs *costs,
                                        const pt_waits *waits);

#endif
