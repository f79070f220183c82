#include "launch/train/rates.h"

#include <stdlib.h>

#include "common/comm/job.h"
#include "common/comm/link.h"
#include "common/run/layout.h"
#include "launch/support/gather_to_root.h"

enum { FIRST_BYTES = 1 << 18, LAST_BYTES = 1 << 24 };
static const double long_enough_s = 0.02;

/* Who sends to whom. */
typedef struct {
    int to, from; /* -1: nobody */
} places;

static int first_of(const int *host, int size, int which)
{
    for (int r = 0; r < size; r++)
        if (host[r] == which) return r;
    return -1;
}

static places place(const int *host, int size, int rank)
{
    int n = pt_layout_hosts(host, size), mine = host[rank];

    if (n == 1)
        return (places){rank == size - 1 && rank > 0 ? 0 : -1,
                        rank == 0 && size > 1 ? size - 1 : -1};
    if (first_of(host, size, mine) != rank) return (places){-1, -1};
    return (places){first_of(host, size, (mine + 1) % n),
                    first_of(host, size, (mine + n - 1) % n)};
}

static void take_longest(void *context, int rank, const void *theirs)
{
    double *longest = context;

    if (*(const double *)theirs > *longest) *longest = *(const double *)theirs;
}

/* Rank 0 decides whether the next transfer is larger: until one takes long enough. */
static pt_status go_on(double seconds, bool *more)
{
    double longest = seconds;
    pt_status s;

    pt_gather_to_root(&seconds, sizeof seconds, take_longest, &longest);
    s = pt_job_broadcast_into(0, &longest, sizeof longest);
    *more = longest < long_enough_s;
    return s;
}

/* *rate: at which this rank received in the last of growing transfers; 0: nothing. */
static pt_status grow(const places *p, char *data, char *into, double *rate,
                      size_t *bytes)
{
    bool more = true;
    pt_status s = PT_OK;

    *rate = 0;
    *bytes = 0;
    for (size_t n = FIRST_BYTES; n <= LAST_BYTES && more && s == PT_OK; n *= 4) {
        double seconds = 0;

        if (p->to >= 0 || p->from >= 0)
            s = pt_link_transfer(pt_job_comm(), p->to, p->from, data, into, n, &seconds);
        *bytes += n;
        if (s == PT_OK && p->from >= 0 && seconds > 0) *rate = (double)n / seconds;
        if (s == PT_OK) s = go_on(seconds, &more);
    }
    return s;
}

/* context [size]: the rates at which each rank received. */
static void take_rate(void *context, int rank, const void *theirs)
{
    ((double *)context)[rank] = *(const double *)theirs;
}

/* A host's link is as fast as the faster of what it received and what it sent: a slow
 * neighbour slows one of them. */
static pt_status conclude(const double *received, pt_rates *out)
{
    const int *host = pt_job_hosts();
    int size = pt_job_size(), n = pt_layout_hosts(host, size);

    out->n_hosts = n;
    out->copying = received[0];
    if (n == 1) return PT_OK;
    out->hosts = pt_calloc((size_t)n, sizeof *out->hosts);
    if (!out->hosts)
        return pt_fail(PT_ERR_NOMEM, "no memory for the links of %d hosts", n);
    for (int h = 0; h < n; h++) {
        double in = received[first_of(host, size, h)];
        double away = received[first_of(host, size, (h + 1) % n)];

        out->hosts[h] = in > away ? in : away;
    }
    return PT_OK;
}

pt_status pt_rates_measure(pt_rates *out)
{
    int size = pt_job_size(), rank = pt_job_rank();
    places p = place(pt_job_hosts(), size, rank);
    double *received = pt_calloc((size_t)size, sizeof *received);
    char *data = p.to >= 0 ? pt_calloc(LAST_BYTES, 1) : NULL;
    char *into = p.from >= 0 ? pt_calloc(LAST_BYTES, 1) : NULL;
    bool ok = received && (data || p.to < 0) && (into || p.from < 0);
    pt_status s;

    *out = (pt_rates){0};
    s = pt_job_agree(ok ? PT_OK
                        : pt_fail(PT_ERR_NOMEM, "no memory to measure the links"));
    if (s == PT_OK) {
        s = grow(&p, data, into, received, &out->bytes);
        if (s != PT_OK) pt_job_die(s); /* the buffers may still be MPI's */
        pt_gather_to_root(received, sizeof *received, take_rate, received);
        s = pt_job_agree(rank == 0 ? conclude(received, out) : PT_OK);
    }
    free(received);
    free(data);
    free(into);
    return s;
}

void pt_rates_fini(pt_rates *r)
{
    free(r->hosts);
    *r = (pt_rates){0};
}
