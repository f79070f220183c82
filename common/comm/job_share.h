/* The memory that a job's ranks share, host by host. */
#ifndef PT_COMMON_COMM_JOB_SHARE_H
#define PT_COMMON_COMM_JOB_SHARE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/status.h"

/* Collective, once a run, after the ranks have their last numbers (pt_job_reorder): makes
 * a segment of `bytes` for this rank and maps those of the others on its host
 * (common/comm/segments.h); from then on what is in them can be lent. *works, the same on
 * all ranks: false if some rank cannot, after one warning that says why. The next run's
 * call, or pt_job_end, unmaps them. */
PT_MUST_USE pt_status pt_job_share(size_t bytes, bool *works);

#endif
