#include "launch/support/gather_to_root.h"

#include <stdlib.h>

#include "common/comm/job.h"

/* A buffer of rank `from` to rank 0. */
static void to_rank_0(int from, void *data, size_t bytes)
{
    pt_comm *c = pt_job_comm();
    pt_request r = {0};
    pt_status s = pt_job_rank() == 0
                      ? pt_comm_recv(c, from, PT_MSG_FOUND, 0, data, bytes, &r)
                      : pt_comm_send(c, 0, PT_MSG_FOUND, 0, data, bytes, &r);

    if (s == PT_OK) s = pt_comm_wait(c, &r, 1);
    if (s != PT_OK) pt_job_die(s); /* r may still be MPI's */
}

void pt_gather_to_root(void *mine, size_t bytes,
                       void (*take)(void *context, int rank, const void *theirs),
                       void *context)
{
    void *theirs;

    if (pt_job_rank() > 0) {
        to_rank_0(pt_job_rank(), mine, bytes);
        return;
    }
    theirs = pt_calloc(bytes, 1);
    if (!theirs) pt_job_die(pt_fail(PT_ERR_NOMEM, "no memory for another rank's part"));
    for (int r = 1; r < pt_job_size(); r++) {
        to_rank_0(r, theirs, bytes);
        take(context, r, theirs);
    }
    free(theirs);
}
