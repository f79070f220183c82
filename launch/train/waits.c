#include "launch/train/waits.h"

#include <stdlib.h>
#include <string.h>

#include "common/comm/job.h"
#include "launch/support/gather_to_root.h"

/* Doubles of a rank's message: sending, tensors, servers. */
static size_t length(const pt_waits *w)
{
    return 1 + (size_t)w->n_tensors + (size_t)w->n_servers;
}

static void take(void *context, const void *theirs)
{
    pt_waits *w = context;
    const double *from = theirs;

    if (from[0] > w->sending) w->sending = from[0];
    for (int i = 0; i < w->n_tensors; i++) w->tensors[i] += from[1 + i];
    for (int i = 0; i < w->n_servers; i++) w->servers[i] += from[1 + w->n_tensors + i];
}

static void fill(const pt_waits *o, const pt_worker *w, double *mine)
{
    if (!w) {
        mine[0] = pt_comm_seconds_under_way(pt_job_comm());
        return;
    }
    memcpy(mine + 1, pt_worker_tensor_waits(w), (size_t)o->n_tensors * sizeof *mine);
    memcpy(mine + 1 + o->n_tensors, pt_worker_server_waits(w),
           (size_t)o->n_servers * sizeof *mine);
}

void pt_waits_gather(const pt_run *r, const pt_worker *w, pt_waits *out)
{
    double *mine;

    *out = (pt_waits){.n_tensors = r->graph->n_params, .n_servers = r->n_servers};
    mine = pt_calloc(length(out), sizeof *mine);
    out->tensors = pt_calloc((size_t)out->n_tensors, sizeof *out->tensors);
    out->servers = pt_calloc((size_t)out->n_servers, sizeof *out->servers);
    if (!mine || !out->tensors || !out->servers)
        pt_job_die(pt_fail(PT_ERR_NOMEM, "no memory for the waits of this rank"));
    fill(out, w, mine);
    if (pt_job_rank() == 0) take(out, mine);
    pt_gather_to_root(mine, length(out) * sizeof *mine, take, out);
    free(mine);
}

void pt_waits_fini(pt_waits *w)
{
    free(w->tensors);
    free(w->servers);
    *w = (pt_waits){0};
}

int pt_waits_longest(const pt_waits *w)
{
    int longest = -1;

    for (int i = 0; i < w->n_tensors; i++)
        if (w->tensors[i] > (longest < 0 ? 0 : w->tensors[longest])) longest = i;
    return longest;
}
