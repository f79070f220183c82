#include "server/arrivals.h"

#include <stdlib.h>

#include "common/run/factors.h"

/* Are the sums of sender `s` lent to server `rank`? */
static bool lends(const pt_arrivals *a, int rank, int s)
{
    const pt_run *run = a->tiles.run;

    return pt_run_lends(run, rank, run->n_servers + a->tiles.senders[s].first);
}

pt_status pt_arrivals_init(pt_arrivals *a, const pt_run *run, int rank, int tensor)
{
    size_t most = (size_t)run->n_workers;
    pt_sender *senders = pt_calloc(most, sizeof *senders);
    int n = 0;
    pt_status s = PT_OK;

    *a = (pt_arrivals){.rank = rank, .formed = pt_calloc(most, sizeof *a->formed)};
    if (!senders || !a->formed)
        s = pt_fail(PT_ERR_NOMEM, "no memory for the list of senders");
    else
        n = tensor < 0 ? pt_run_senders(run, rank, senders)
                       : pt_factors_senders(run, rank, tensor, senders, a->formed);
    if (s == PT_OK) s = pt_tiles_init(&a->tiles, run, senders, n);
    free(senders);
    if (s == PT_OK) {
        a->copy = pt_calloc((size_t)a->tiles.max, sizeof *a->copy);
        if (!a->copy) s = pt_fail(PT_ERR_NOMEM, "no memory for the list of parts");
        for (int i = 0; i < n; i++)
            if (!lends(a, rank, i))
                a->n_copies += pt_sender_parts(run, &a->tiles.senders[i]);
    }
    if (s != PT_OK) pt_arrivals_fini(a);
    return s;
}

void pt_arrivals_fini(pt_arrivals *a)
{
    pt_tiles_fini(&a->tiles);
    free(a->formed);
    free(a->copy);
    *a = (pt_arrivals){0};
}

void pt_arrivals_enter(pt_arrivals *a, uint64_t step)
{
    int copies = 0;

    pt_tiles_enter(&a->tiles, step);
    for (int p = 0; p < a->tiles.n; p++)
        a->copy[p] = lends(a, a->rank, a->tiles.sender[p]) ? PT_LENT : copies++;
}
