#include "common/comm/pulse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/comm/watchdog.h"

enum { TAG = 0, DEBT = 160, TEXT = 512 };
typedef enum { ALIVE, REPORTED, LEAVES } state; /* REPORTED: it has printed the error */

/* What one rank reports to another. */
typedef struct {
    uint64_t own, all; /* progress: of the sender; of all ranks, as far as it knows */
    int32_t state, code;
    int32_t waits_for, kind, index; /* waits_for: a rank, or -1 */
} heartbeat;

typedef struct {
    bool linked;  /* the two exchange heartbeats */
    bool gone;    /* it has left, or its messages cannot be received */
    bool sending; /* out is in flight */
    heartbeat in, out, last;
    uintptr_t in_handle, out_handle;
    double last_beat_s;
} peer;

struct pt_pulse {
    pt_comm *comm;
    char *hosts;
    peer *peers;
    uint64_t own;
    uint64_t moved; /* all progress reported so far */
    double moved_s, served_s, sent_s, deadline_s, interval_s;
    int code; /* announced by a rank that has printed the error; -1: none */
};

double pt_pulse_stagger(int rank)
{
    return rank == 0 ? 0 : rank == 1 ? 5 : 10;
}

/* All clocks start again: the deadline changed, or this rank did not poll for a while. */
static void restart(pt_pulse *p, double now)
{
    double interval = p->comm->deadline_s / 10;

    interval = interval < 0.1 ? 0.1 : interval > 5 ? 5 : interval;
    if (p->interval_s == 0 || interval < p->interval_s) p->interval_s = interval;
    p->deadline_s = p->comm->deadline_s;
    p->moved_s = now;
    for (int i = 0; i < p->comm->size; i++) p->peers[i].last_beat_s = now;
}

static pt_status listen(pt_pulse *p, int i)
{
    peer *q = &p->peers[i];

    return p->comm->ops->recv(p->comm->self, PT_CHANNEL_PULSE, i, TAG, &q->in,
                              sizeof q->in, &q->in_handle);
}

pt_status pt_pulse_create(pt_comm *c, pt_pulse **out)
{
    pt_pulse *p = pt_calloc(1, sizeof *p);
    pt_status s = PT_OK;

    *out = NULL;
    if (p) p->peers = pt_calloc((size_t)c->size, sizeof *p->peers);
    if (!p || !p->peers) {
        free(p);
        return pt_fail(PT_ERR_NOMEM, "no memory for the pulse of %d ranks", c->size);
    }
    p->comm = c;
    p->code = -1;
    p->served_s = pt_clock();
    restart(p, p->served_s);
    for (int i = 0; i < c->size && s == PT_OK; i++) {
        peer *q = &p->peers[i];

        if (i == c->rank) continue;
        q->linked = i < 2 || c->rank < 2;
        q->last.waits_for = -1;
        if (q->linked) s = listen(p, i);
    }
    *out = p;
    return s;
}

void pt_pulse_set_hosts(pt_pulse *p, char *hosts)
{
    free(p->hosts);
    p->hosts = hosts;
}

const char *pt_pulse_host(const pt_pulse *p, int rank)
{
    return p->hosts ? p->hosts + (size_t)rank * PT_PULSE_HOST_BYTES : "unknown";
}

void pt_pulse_progress(pt_pulse *p)
{
    p->own++;
}

static void receive_all(pt_pulse *p, double now)
{
    uint64_t moved = p->own;

    for (int i = 0; i < p->comm->size; i++) {
        peer *q = &p->peers[i];
        bool done = true;

        while (q->linked && !q->gone) {
            if (p->comm->ops->test(p->comm->self, &q->in_handle, &done) != PT_OK || !done)
                break;
            q->last = q->in;
            q->last_beat_s = now;
            q->gone = q->in.state == LEAVES;
            if (q->in.state == REPORTED) p->code = q->in.code;
            if (!q->gone && listen(p, i) != PT_OK) q->gone = true;
        }
        moved += q->last.own + q->last.all;
    }
    if (moved != p->moved) p->moved_s = now;
    p->moved = moved;
}

static void send_all(pt_pulse *p, heartbeat b)
{
    const pt_comm *c = p->comm;

    for (int i = 0; i < c->size; i++) b.all += p->peers[i].last.own;
    if (c->rank >= 2) b.all = 0; /* only ranks 0 and 1 hear from all */
    for (int i = 0; i < c->size; i++) {
        peer *q = &p->peers[i];
        bool done = true;

        if (!q->linked) continue;
        if (q->sending && c->ops->test(c->self, &q->out_handle, &done) != PT_OK) continue;
        q->sending = !done;
        if (q->sending) continue; /* it has not taken the last one yet */
        q->out = b;
        q->sending = c->ops->send(c->self, PT_CHANNEL_PULSE, i, TAG, &q->out, sizeof b,
                                  &q->out_handle) == PT_OK;
    }
}

static heartbeat heartbeat_of(const pt_pulse *p, const pt_request *r, size_t n)
{
    heartbeat b = {.own = p->own, .all = p->own, .waits_for = -1};

    for (size_t i = 0; i < n; i++) {
        if (!r[i].active) continue;
        b.waits_for = r[i].peer;
        b.kind = (int32_t)r[i].kind;
        b.index = r[i].index;
        if (r[i].receive) break;
    }
    return b;
}

static bool silent(const pt_pulse *p, int i)
{
    const peer *q = &p->peers[i];
    double limit = p->deadline_s + p->interval_s + pt_pulse_stagger(p->comm->rank);

    return q->linked && !q->gone && p->served_s - q->last_beat_s > limit;
}

/* What rank i owes this rank, or another that reported it: "has owed weights of key 3".
 */
static void format_debt(const pt_pulse *p, int i, const pt_request *r, size_t n,
                        char out[DEBT])
{
    char what[80];

    for (size_t k = 0; k < n; k++) {
        if (!r[k].active || r[k].peer != i) continue;
        pt_msg_describe(r[k].kind, r[k].index, what, sizeof what);
        snprintf(out, DEBT, "has %s %s", r[k].receive ? "owed" : "not accepted", what);
        return;
    }
    for (int k = 0; k < p->comm->size; k++) {
        const heartbeat *b = &p->peers[k].last;

        if (!p->peers[k].linked || b->waits_for != i || b->kind == 0) continue;
        pt_msg_describe((pt_msg_kind)b->kind, b->index, what, sizeof what);
        snprintf(out, DEBT, "has owed rank %d %s", k, what);
        return;
    }
    snprintf(out, DEBT, "has been silent");
}

/* The rank to name: the one silent for longest; else one that owes and does not wait
 * itself; else the first that owes. -1: none is known. */
static int debtor(const pt_pulse *p, const pt_request *r, size_t n)
{
    int oldest = -1, first = -1;

    for (int i = 0; i < p->comm->size; i++)
        if (silent(p, i) &&
            (oldest < 0 || p->peers[i].last_beat_s < p->peers[oldest].last_beat_s))
            oldest = i;
    for (size_t k = 0; k < n && oldest < 0; k++) {
        const peer *q = &p->peers[r[k].peer];

        if (!r[k].active) continue;
        if (first < 0) first = r[k].peer;
        if (q->linked && q->last.waits_for < 0) return r[k].peer;
    }
    return oldest >= 0 ? oldest : first;
}

/* "rank 2 (host b) has owed gradients of key 17 for 300 s", or "no rank has made progress
 * for 300 s". */
static void format_owed(const pt_pulse *p, const pt_request *r, size_t n, char out[TEXT])
{
    int who = debtor(p, r, n);
    double passed_s = p->served_s - p->moved_s;
    char debt[DEBT];

    if (who < 0) {
        snprintf(out, TEXT, "no rank has made progress for %.0f s", passed_s);
        return;
    }
    if (silent(p, who)) passed_s = p->served_s - p->peers[who].last_beat_s;
    format_debt(p, who, r, n, debt);
    snprintf(out, TEXT, "rank %d (host %s) %s for %.0f s", who, pt_pulse_host(p, who),
             debt, passed_s);
}

void pt_pulse_serve(pt_pulse *p, const pt_request *r, size_t n)
{
    double now = pt_clock();

    pt_watchdog_heartbeat();
    if (now - p->served_s > 2 * p->interval_s || p->deadline_s != p->comm->deadline_s)
        restart(p, now); /* first, as the old interval may be longer than the new one */
    else if (now - p->served_s < p->interval_s / 4)
        return;
    p->served_s = now;
    receive_all(p, now);
    if (now - p->sent_s < p->interval_s) return;
    p->sent_s = now;
    send_all(p, heartbeat_of(p, r, n));
    if (n > 0) {
        char text[TEXT];

        format_owed(p, r, n, text);
        pt_watchdog_owed(text);
    }
}

bool pt_pulse_late(const pt_pulse *p)
{
    double limit = p->deadline_s + p->interval_s + pt_pulse_stagger(p->comm->rank);

    if (p->code >= 0 || pt_watchdog_wants_end()) return true;
    for (int i = 0; i < p->comm->size; i++)
        if (silent(p, i)) return true;
    return p->served_s - p->moved_s > limit;
}

pt_status pt_pulse_fail(const pt_pulse *p, const pt_request *r, size_t n)
{
    char text[TEXT];

    if (p->code >= 0) {
        pt_watchdog_claim_line(); /* so that this rank prints none */
        return pt_fail(PT_ERR_COMM, "another rank has reported the error");
    }
    format_owed(p, r, n, text);
    return pt_fail(PT_ERR_COMM, "%s", text);
}

static bool all_sent(pt_pulse *p)
{
    bool all = true;

    for (int i = 0; i < p->comm->size; i++) {
        peer *q = &p->peers[i];
        bool done = true;

        if (!q->sending) continue;
        if (p->comm->ops->test(p->comm->self, &q->out_handle, &done) != PT_OK)
            done = true;
        q->sending = !done;
        all = all && done;
    }
    return all;
}

void pt_pulse_announce(pt_pulse *p, int code)
{
    heartbeat b = {.state = REPORTED, .code = code, .waits_for = -1};
    pt_idle idle;

    send_all(p, b);
    pt_idle_begin(&idle);
    while (!all_sent(p) && pt_idle_seconds(&idle) < 0.1) pt_idle_pause(&idle);
}

int pt_pulse_code(const pt_pulse *p, int mine)
{
    return p && p->code >= 0 ? p->code : mine;
}

static bool all_gone(const pt_pulse *p)
{
    for (int i = 0; i < p->comm->size; i++)
        if (p->peers[i].linked && !p->peers[i].gone) return false;
    return true;
}

void pt_pulse_destroy(pt_pulse **p)
{
    if (!p || !*p) return;
    free((*p)->hosts);
    if (all_gone(*p)) free((*p)->peers); /* else MPI may still write there */
    free(*p);
    *p = NULL;
}

void pt_pulse_end(pt_pulse *p)
{
    heartbeat b = heartbeat_of(p, NULL, 0);
    bool sent = false;
    pt_idle idle;

    b.state = LEAVES;
    pt_idle_begin(&idle);
    while (pt_idle_seconds(&idle) < p->deadline_s) {
        pt_watchdog_heartbeat();
        receive_all(p, pt_clock());
        if (all_sent(p)) {
            if (sent && all_gone(p)) return;
            if (!sent) send_all(p, b);
            sent = true;
        }
        pt_idle_pause(&idle);
    }
}
