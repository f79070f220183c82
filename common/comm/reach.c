#include "common/comm/reach.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/comm/comm.h"

/* The higher one of two ranks waits so much longer, for the lower one to speak. */
static const double patience = 1.25;

int pt_reach_peer(int rank, int n, int i)
{
    int step = n <= PT_REACH_ALL ? i + 1 : i / 2 < 30 ? 1 << i / 2 : n;

    if (step >= n) return -1;
    return (n > PT_REACH_ALL && i % 2 ? rank - step + n : rank + step) % n;
}

/* ---- messages --------------------------------------------------------------------- */

typedef struct {
    pt_comm *c;
    const char *hosts; /* [size][PT_REACH_HOST], "" where it is not known yet */
    double deadline_s;
    pt_request *r; /* [n] */
    size_t n;
} exchange;

static pt_status begin(exchange *e, bool receive, int peer, void *data, size_t bytes)
{
    pt_request *r = &e->r[e->n++];
    const pt_comm_ops *ops = e->c->ops;
    int tag = pt_msg_tag(PT_MSG_LINK, 0);

    *r = (pt_request){.active = true, .receive = receive, .peer = peer};
    return receive ? ops->recv(e->c->self, PT_CHANNEL_MESSAGES, peer, tag, data, bytes,
                               &r->native)
                   : ops->send(e->c->self, PT_CHANNEL_MESSAGES, peer, tag, data, bytes,
                               &r->native);
}

pt_status pt_reach_fail(int rank, const char *mine, int peer, const char *theirs,
                        double seconds)
{
    return pt_fail(
        PT_ERR_COMM,
        "rank %d (host %s) and rank %d%s%s%s cannot reach each other: no answer "
        "in %.0f s; is there a firewall between them, or does MPI use the wrong "
        "network (Open MPI: --mca btl_tcp_if_include NAME)?",
        rank, mine, peer, *theirs ? " (host " : "", theirs, *theirs ? ")" : "", seconds);
}

static pt_status fail_of(const exchange *e, int peer)
{
    return pt_reach_fail(e->c->rank, e->hosts + (size_t)e->c->rank * PT_REACH_HOST, peer,
                         e->hosts + (size_t)peer * PT_REACH_HOST, e->deadline_s);
}

/* A pending request that has waited too long; NULL: none. */
static const pt_request *late(const exchange *e, double waited_s)
{
    for (const pt_request *r = e->r; r < e->r + e->n; r++)
        if (r->active && waited_s > e->deadline_s * (r->peer < e->c->rank ? patience : 1))
            return r;
    return NULL;
}

/* Until all have arrived. */
static pt_status finish(exchange *e)
{
    double start = pt_clock();
    pt_idle idle;

    pt_idle_begin(&idle);
    for (;;) {
        size_t left = 0;
        const pt_request *r;

        for (size_t i = 0; i < e->n; i++) {
            bool done = true;
            pt_status s = e->r[i].active
                              ? e->c->ops->test(e->c->self, &e->r[i].native, &done)
                              : PT_OK;

            if (s != PT_OK) return s;
            if (done) e->r[i].active = false;
            left += !done;
        }
        if (left == 0) break;
        r = late(e, pt_clock() - start);
        if (r) return fail_of(e, r->peer);
        pt_idle_pause(&idle);
    }
    e->n = 0;
    return PT_OK;
}

/* ---- the two rounds --------------------------------------------------------------- */

/* Every host's name to everybody, by rank 0. */
static pt_status tell_hosts(exchange *e, char *hosts)
{
    int n = e->c->size, rank = e->c->rank;
    size_t all = (size_t)n * PT_REACH_HOST;
    pt_status s = PT_OK;

    for (int r = 1; rank == 0 && r < n && s == PT_OK; r++)
        s = begin(e, true, r, hosts + (size_t)r * PT_REACH_HOST, PT_REACH_HOST);
    if (rank > 0)
        s = begin(e, false, 0, hosts + (size_t)rank * PT_REACH_HOST, PT_REACH_HOST);
    if (s == PT_OK) s = finish(e);
    for (int r = 1; rank == 0 && r < n && s == PT_OK; r++)
        s = begin(e, false, r, hosts, all);
    if (rank > 0 && s == PT_OK) s = begin(e, true, 0, hosts, all);
    return s == PT_OK ? finish(e) : s;
}

/* out, in: a byte each way with each peer. */
static pt_status meet(exchange *e, char *out, char *in)
{
    pt_status s = PT_OK;

    for (int i = 0, peer; s == PT_OK; i++) {
        peer = pt_reach_peer(e->c->rank, e->c->size, i);
        if (peer < 0) break;
        s = begin(e, true, peer, in + i, 1);
        if (s == PT_OK) s = begin(e, false, peer, out, 1);
    }
    return s == PT_OK ? finish(e) : s;
}

pt_status pt_reach(pt_comm *c, const char *host, double deadline_s)
{
    size_t n = (size_t)c->size, most = n < PT_REACH_ALL ? PT_REACH_ALL : n;
    char *hosts = pt_calloc(n, PT_REACH_HOST), *bytes = pt_calloc(most + 1, 1);
    pt_request *r = pt_calloc(2 * most, sizeof *r);
    exchange e = {c, hosts, deadline_s, r, 0};
    pt_status s = PT_OK;

    if (!hosts || !bytes || !r)
        s = pt_fail(PT_ERR_NOMEM, "no memory to greet %zu ranks", n);
    if (s == PT_OK) {
        snprintf(hosts + (size_t)c->rank * PT_REACH_HOST, PT_REACH_HOST, "%.*s",
                 PT_REACH_HOST - 1, host);
        s = tell_hosts(&e, hosts);
    }
    if (s == PT_OK) s = meet(&e, bytes + most, bytes);
    if (s != PT_OK) return s; /* what MPI may still write to is leaked */
    free(hosts);
    free(bytes);
    free(r);
    return PT_OK;
}
