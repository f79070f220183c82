/* Memory that the ranks of a host share, of the size that a run's roles need. */
#ifndef PT_LAUNCH_SUPPORT_SHARE_MEMORY_H
#define PT_LAUNCH_SUPPORT_SHARE_MEMORY_H

#include "common/run/run.h"

/* Collective: makes and maps the segments of the job's ranks and sets r->lends. Where the
 * system refuses, the run goes on with messages, after a warning; with
 * server.shared_memory: false, or on several hosts of which the run knows nothing, it
 * does so at once. */
PT_MUST_USE pt_status pt_share_memory(pt_run *r);

#endif
