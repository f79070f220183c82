/* What rank 0 writes down while a run goes on: metrics.jsonl, progress lines, and at the
 * end predictions, model and result. Its functions are the server's hooks. */
#ifndef PT_LAUNCH_TRAIN_JOURNAL_H
#define PT_LAUNCH_TRAIN_JOURNAL_H

#include "launch/train/setup.h"
#include "server/serve.h"

typedef struct pt_journal pt_journal;

/* Borrows u. Opens metrics.jsonl in the run directory; of a run that goes on, the lines
 * of the steps that are done stay. from: the checkpoint's progress, or zeros; where it
 * knows no tally, what the lines say is counted again. */
PT_MUST_USE pt_status pt_journal_create(const pt_setup *u, const pt_progress *from,
                                        pt_journal **out);
void pt_journal_destroy(pt_journal **j);

pt_server_hooks pt_journal_hooks(pt_journal *j);

/* After a stop with a checkpoint: the line that says so. */
void pt_journal_stopped(const pt_journal *j);

/* After the run: model.h5, result.json, and the lines with the result and the hashes.
 * costs: of all of it. */
PT_MUST_USE pt_status pt_journal_finish(pt_journal *j, const pt_server_costs *costs);

#endif
