#include "launch/train/waits.h"

#include <stdlib.h>
#include <string.h>

#include "common/comm/job.h"
#include "launch/support/gather_to_root.h"

/* The message of a rank: of a worker, the waits; of a server, what it has spent. */
typedef struct {
    double sending;
    pt_server_costs costs;
    double waits[]; /* tensors, servers */
} counted;

static size_t length(const pt_waits *w)
{
    return sizeof(counted) +
           ((size_t)w->n_tensors + (size_t)w->n_servers) * sizeof(double);
}

static void take(void *context, int rank, const void *theirs)
{
    pt_waits *w = context;
    const counted *from = theirs;

    if (from->sending > w->sending) w->sending = from->sending;
    if (rank < w->n_servers) w->costs[rank] = from->costs;
    for (int i = 0; i < w->n_tensors; i++) w->tensors[i] += from->waits[i];
    for (int i = 0; i < w->n_servers; i++) w->servers[i] += from->waits[w->n_tensors + i];
}

static void fill(const pt_waits *o, const pt_worker *w, const pt_server_costs *costs,
                 counted *mine)
{
    if (costs) {
        mine->costs = *costs;
        mine->sending = pt_comm_seconds_under_way(pt_job_comm());
        return;
    }
    memcpy(mine->waits, pt_worker_tensor_waits(w), (size_t)o->n_tensors * sizeof(double));
    memcpy(mine->waits + o->n_tensors, pt_worker_server_waits(w),
           (size_t)o->n_servers * sizeof(double));
}

void pt_waits_gather(const pt_run *r, const pt_worker *w, const pt_server_costs *costs,
                     pt_waits *out)
{
    counted *mine;

    *out = (pt_waits){.n_tensors = r->graph->n_params, .n_servers = r->n_servers};
    mine = pt_calloc(length(out), 1);
    out->tensors = pt_calloc((size_t)out->n_tensors, sizeof *out->tensors);
    out->servers = pt_calloc((size_t)out->n_servers, sizeof *out->servers);
    out->costs = pt_calloc((size_t)out->n_servers, sizeof *out->costs);
    if (!mine || !out->tensors || !out->servers || !out->costs)
        pt_job_die(pt_fail(PT_ERR_NOMEM, "no memory for the waits of this rank"));
    fill(out, w, costs, mine);
    if (pt_job_rank() == 0) take(out, 0, mine);
    pt_gather_to_root(mine, length(out), take, out);
    free(mine);
}

void pt_waits_fini(pt_waits *w)
{
    free(w->tensors);
    free(w->servers);
    free(w->costs);
    *w = (pt_waits){0};
}

int pt_waits_longest(const pt_waits *w)
{
    int longest = -1;

    for (int i = 0; i < w->n_tensors; i++)
        if (w->tensors[i] > (longest < 0 ? 0 : w->tensors[longest])) longest = i;
    return longest;
}
