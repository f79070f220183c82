#include "launch/doctor/links.h"

#include <stdlib.h>

#include "common/comm/job.h"
#include "common/comm/link.h"
#include "common/comm/reach.h"
#include "launch/support/gather_to_root.h"

/* DEADLINE_S: for a host to answer; MPI's own connections may take seconds. */
enum { TRIPS = 50, TRANSFERS = 3, TRANSFER_BYTES = 8 << 20, DEADLINE_S = 20 };

/* ---- who meets whom --------------------------------------------------------------- */

int pt_links_rounds(int n)
{
    return n < 2 ? 0 : n % 2 ? n : n - 1;
}

/* The circle method, with an odd number of hosts that go round: h and i meet in round
 * h + i; who would meet itself meets the one that does not go round, if there is one. */
int pt_links_partner(int h, int n, int round)
{
    int odd = pt_links_rounds(n), i;

    if (h == odd) return round * ((odd + 1) / 2) % odd;
    i = (round - h + odd) % odd;
    if (i != h) return i;
    return odd < n ? odd : -1;
}

/* ---- one pair --------------------------------------------------------------------- */

typedef struct {
    void *out, *in; /* [TRANSFER_BYTES] each */
    double wall_s;
} means;

static pt_status measure(const means *m, int peer, bool asks, pt_pair_facts *p)
{
    pt_comm *c = pt_job_comm();
    pt_link_trip trip = {0}, clocks = {0};
    double theirs = 0, seconds, best = 0;
    pt_status s =
        asks ? pt_link_ask(c, peer, TRIPS, &trip) : pt_link_answer(c, peer, TRIPS);

    clocks = trip;
    for (int i = 0; i < TRANSFERS && s == PT_OK; i++) {
        s = pt_link_transfer(c, peer, peer, m->out, m->in, TRANSFER_BYTES, &seconds);
        if (i == 0 || seconds < best) best = seconds;
    }
    if (s == PT_OK)
        s = pt_link_transfer(c, peer, peer, &m->wall_s, &theirs, sizeof theirs, &seconds);
    *p = (pt_pair_facts){.a = pt_job_rank(),
                         .b = peer,
                         .trip_s = trip.seconds,
                         .bytes_per_s = best > 0 ? TRANSFER_BYTES / best : 0,
                         .ahead_s = clocks.ahead + theirs - m->wall_s};
    return s;
}

static _Noreturn void die_of(int peer)
{
    pt_job_die(pt_reach_fail(pt_job_rank(), pt_job_host(), peer, pt_job_host_of(peer),
                             DEADLINE_S));
}

/* ---- all pairs -------------------------------------------------------------------- */

/* first [n_hosts]: the first rank of each; row [n_hosts]: of this host, with each later
 * one. */
static void meet_all(const means *m, const int *first, int n_hosts, int mine,
                     pt_pair_facts *row)
{
    for (int round = 0; round < pt_links_rounds(n_hosts); round++) {
        int other = pt_links_partner(mine, n_hosts, round);
        pt_pair_facts p;

        if (other < 0) continue;
        if (measure(m, first[other], mine < other, &p) != PT_OK) die_of(first[other]);
        if (mine < other) row[other] = p;
    }
}

typedef struct {
    const int *host, *first;
    int n_hosts;
    pt_pair_facts *pair;
    size_t n;
} rows;

static void take(void *context, int rank, const void *theirs)
{
    rows *r = context;
    const pt_pair_facts *row = theirs;
    int h = r->host[rank];

    for (int i = h + 1; rank == r->first[h] && i < r->n_hosts; i++)
        r->pair[r->n++] = row[i];
}

static void *allocate(size_t n, size_t bytes)
{
    void *p = pt_calloc(n, bytes);

    if (!p) pt_job_die(pt_fail(PT_ERR_NOMEM, "no memory to measure links"));
    return p;
}

void pt_links_measure(const int *host, int n, double wall_s, pt_pair_facts **pair,
                      size_t *n_pairs)
{
    int mine = host[pt_job_rank()], n_hosts = 0,
        *first = allocate((size_t)n, sizeof *first);
    means m = {allocate(1, TRANSFER_BYTES), allocate(1, TRANSFER_BYTES), wall_s};
    pt_pair_facts *row;
    rows all = {.host = host, .first = first};

    for (int r = 0; r < n; r++)
        if (host[r] == n_hosts) first[n_hosts++] = r;
    row = allocate((size_t)n_hosts, sizeof *row);
    pt_job_set_deadline(DEADLINE_S);
    if (first[mine] == pt_job_rank()) meet_all(&m, first, n_hosts, mine, row);
    pt_job_set_deadline(PT_JOB_START_S);
    all.n_hosts = n_hosts;
    all.pair = allocate((size_t)n_hosts * (size_t)n_hosts, sizeof *all.pair);
    if (pt_job_rank() == 0) take(&all, 0, row);
    pt_gather_to_root(row, (size_t)n_hosts * sizeof *row, take, &all);
    free(m.out);
    free(m.in);
    free(row);
    free(first);
    *pair = all.pair;
    *n_pairs = all.n;
}
