/* Rank 0's messages to and from all workers besides those of a step: an array for
 * everyone, and rows that workers compute block by block. */
#ifndef PT_SERVER_WORKERS_H
#define PT_SERVER_WORKERS_H

#include "common/comm/comm.h"
#include "common/run/run.h"

typedef struct {
    const pt_run *run;
    pt_comm *comm;
    pt_request *requests; /* [n_workers] */
} pt_workers;

/* Borrows both. PT_ERR_NOMEM; pt_workers_fini is allowed then. */
PT_MUST_USE pt_status pt_workers_init(pt_workers *w, const pt_run *run, pt_comm *comm);
void pt_workers_fini(pt_workers *w);

/* data [n floats] to every worker; returns when it has been sent. */
PT_MUST_USE pt_status pt_workers_send(pt_workers *w, pt_msg_kind kind, const float *data,
                                      size_t n);

/* The current running statistics, if the network has any. */
PT_MUST_USE pt_status pt_workers_send_running(pt_workers *w);

/* Rows [n][dims] from the workers, PT_EVAL_BLOCK images per message; *rows is malloc'd,
 * NULL after a failure. */
PT_MUST_USE pt_status pt_workers_take_rows(pt_workers *w, size_t n, size_t dims,
                                           float **rows);

#endif
