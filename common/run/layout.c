#include "common/run/layout.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/run/shards.h"

static int ranks_on(int of, const int *host, int n)
{
    int ranks = 0;

    for (int r = 0; r < n; r++) ranks += host[r] == of;
    return ranks;
}

int pt_layout_hosts(const int *host, int n)
{
    int hosts = 0;

    for (int r = 0; r < n; r++)
        if (host[r] >= hosts) hosts = host[r] + 1;
    return hosts;
}

int pt_layout_servers(const Pt__Config__Server *c, const int *host, int n)
{
    int hosts = pt_layout_hosts(host, n);

    if (c->ranks > 0) return (int)c->ranks;
    if (c->placement != PT__CONFIG__PLACEMENT__SPREAD) return 1;
    for (int h = 0; h < hosts; h++)
        if (ranks_on(h, host, n) < 2) return 1;
    return hosts;
}

int pt_layout_crowded(int n_servers, const int *host, int n, int *servers)
{
    int hosts = pt_layout_hosts(host, n);

    for (int h = 0; h < hosts; h++) {
        *servers = n_servers / hosts + (h < n_servers % hosts);
        if (*servers > ranks_on(h, host, n)) return h;
    }
    return -1;
}

/* The first rank of a host that is not taken yet. */
static int take_from(int of, const int *host, int n, bool *taken)
{
    int r = 0;

    while (r < n && (host[r] != of || taken[r])) r++;
    PT_CHECK(r < n, "host %d has no rank for a server", of);
    taken[r] = true;
    return r;
}

pt_status pt_layout_order(Pt__Config__Placement placement, int n_servers, const int *host,
                          int n, int *order)
{
    int hosts = pt_layout_hosts(host, n), at = 0;
    bool *taken = pt_calloc((size_t)n, sizeof *taken);

    if (!taken) return pt_fail(PT_ERR_NOMEM, "no memory for the order of %d ranks", n);
    if (placement == PT__CONFIG__PLACEMENT__SPREAD)
        for (; at < n_servers; at++) order[at] = take_from(at % hosts, host, n, taken);
    for (int h = 0; h < hosts; h++) /* the rest, host by host */
        for (int r = 0; r < n; r++)
            if (host[r] == h && !taken[r]) order[at++] = r;
    free(taken);
    return PT_OK;
}

void pt_layout_advise(int workers, int shards, char *out, size_t n)
{
    int enough = shards;
    char set[32] = "";

    while (enough < workers) enough *= 2;
    if (enough <= PT_MAX_SHARDS) snprintf(set, sizeof set, ", or set shards: %d", enough);
    snprintf(out, n, "use at most %d worker%s%s%s", shards, shards == 1 ? "" : "s", set,
             *set ? " (other shards give other weights)" : "");
}
