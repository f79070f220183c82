/* What workers report of a step before its backward pass (common/run/wire.h), received by
 * rank 0 and put into the order of the batch. */
#ifndef PT_SERVER_PAYLOADS_H
#define PT_SERVER_PAYLOADS_H

#include "common/comm/comm.h"
#include "common/run/run.h"
#include "common/run/wire.h"

typedef struct {
    double **payload;      /* [n_workers] as received */
    double *times;         /* [n_workers][PT_PAYLOAD_TIMES] */
    bool stop_asked;       /* by one worker, in this step or before */
    pt_shard_sums *shards; /* [V] */
    double *vectors;       /* [V][2 rep size], where shards' sums of gradients are sent */
    pt_image_norms *images; /* [b] */
    double *rows;           /* [b][row], where images are coupled */

    size_t bound;         /* doubles of a payload, at most */
    pt_request *requests; /* [n_workers] */
} pt_payloads;

/* PT_ERR_NOMEM; pt_payloads_fini is allowed then. */
PT_MUST_USE pt_status pt_payloads_init(pt_payloads *p, const pt_run *run);
void pt_payloads_fini(pt_payloads *p, const pt_run *run);

/* Receives those of step from every worker; the stage must be entered. */
PT_MUST_USE pt_status pt_payloads_take(pt_payloads *p, const pt_run *run, pt_comm *comm,
                                       uint64_t step);

size_t pt_payloads_bytes(const pt_run *run);

#endif
