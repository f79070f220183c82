#include "common/comm.h"

#include <limits.h>
#include <stdio.h>
#include <time.h>

#include "common/crc32c.h"
#include "common/pulse.h"
#include "common/watchdog.h"

enum {
    CHECK_BIT = 1 << 28, /* above kind and index: tags stay below MPI's least bound */
    LOOKS_BEFORE_SLEEP = 50,
    SLEEP_MIN_NS = 20000,
    SLEEP_MAX_NS = 500000,
    SLEEP_IDLE_NS = 5000000
};

static double seconds_of(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double pt_clock(void)
{
    return seconds_of(CLOCK_MONOTONIC);
}

double pt_cpu_clock(void)
{
    return seconds_of(CLOCK_THREAD_CPUTIME_ID);
}

double pt_process_cpu_clock(void)
{
    return seconds_of(CLOCK_PROCESS_CPUTIME_ID);
}

void pt_idle_begin(pt_idle *i)
{
    i->since = pt_clock();
    i->looks = 0;
}

void pt_idle_pause(pt_idle *i)
{
    unsigned over;
    double hundredth;
    long ns, most;

    if (++i->looks <= LOOKS_BEFORE_SLEEP) return;
    over = (i->looks - LOOKS_BEFORE_SLEEP) / 8;
    hundredth = pt_idle_seconds(i) * 1e7; /* of the wait so far, in ns */
    most = hundredth < SLEEP_MAX_NS    ? SLEEP_MAX_NS
           : hundredth > SLEEP_IDLE_NS ? SLEEP_IDLE_NS
                                       : (long)hundredth;
    ns = over > 10 ? most : (long)SLEEP_MIN_NS << over;
    if (ns > most) ns = most;
    nanosleep(&(struct timespec){.tv_nsec = ns}, NULL);
}

double pt_idle_seconds(const pt_idle *i)
{
    return pt_clock() - i->since;
}

const char *pt_msg_name(pt_msg_kind kind)
{
    switch (kind) {
    case PT_MSG_PAYLOAD:
        return "the step's norms";
    case PT_MSG_RECORD:
        return "the step record";
    case PT_MSG_PUSH:
        return "gradients";
    case PT_MSG_PULL:
        return "weights";
    case PT_MSG_MOMENTS:
        return "batch-norm sums";
    case PT_MSG_RUNNING:
        return "running statistics";
    case PT_MSG_ROWS:
        return "test outputs";
    case PT_MSG_PROBE:
        return "diagnostic gradients";
    case PT_MSG_VOTE:
        return "votes on gradients";
    case PT_MSG_FEATURES:
        return "feature statistics";
    case PT_MSG_TEXT:
        return "a line about itself";
    case PT_MSG_FOUND:
        return "what it has found";
    case PT_MSG_TERMS:
        return "terms of coupled images";
    }
    return "a message";
}

static int tag_of(pt_msg_kind kind, int index)
{
    PT_CHECK(index >= 0 && index <= PT_MSG_MAX_INDEX, "message index %d", index);
    return (int)kind << 24 | index;
}

/* "key 17": which of its kind a message is, or nothing. */
static void say_index(pt_msg_kind kind, int index, char *out, size_t n)
{
    switch (kind) {
    case PT_MSG_PUSH:
        snprintf(out, n, "key %d", index / PT_MSG_COVERS);
        return;
    case PT_MSG_PULL:
        snprintf(out, n, "key %d", index);
        return;
    case PT_MSG_MOMENTS:
        snprintf(out, n, "node %d", index / 2);
        return;
    case PT_MSG_ROWS:
        snprintf(out, n, "block %d", index);
        return;
    default:
        *out = '\0';
    }
}

void pt_msg_describe(pt_msg_kind kind, int index, char *out, size_t n)
{
    char which[32];

    say_index(kind, index, which, sizeof which);
    snprintf(out, n, "%s%s%s", pt_msg_name(kind), *which ? " of " : "", which);
}

/* Fills an idle request; the tag of its message. */
static int begin(pt_request *r, bool receive, int peer, pt_msg_kind kind, int index,
                 const void *data, size_t bytes)
{
    PT_CHECK(!r->active && bytes <= INT_MAX, "message of %zu bytes", bytes);
    *r = (pt_request){.active = true,
                      .receive = receive,
                      .kind = kind,
                      .peer = peer,
                      .index = index,
                      .data = data,
                      .bytes = bytes};
    return tag_of(kind, index);
}

pt_status pt_comm_send_all(pt_comm *c, int first, int n, pt_msg_kind kind, int index,
                           const void *data, size_t bytes, pt_request *r)
{
    uint32_t crc = n > 0 ? pt_crc32c(0, data, bytes) : 0;
    pt_status s = PT_OK;

    for (int i = 0; i < n && s == PT_OK; i++) {
        int tag = begin(&r[i], false, first + i, kind, index, data, bytes);

        r[i].crc = crc;
        c->sent += bytes + PT_MSG_CHECK_BYTES;
        s = c->ops->send(c->self, first + i, tag, data, bytes, &r[i].native);
        if (s == PT_OK)
            s = c->ops->send(c->self, first + i, tag | CHECK_BIT, &r[i].crc,
                             PT_MSG_CHECK_BYTES, &r[i].check);
    }
    return s;
}

pt_status pt_comm_send(pt_comm *c, int peer, pt_msg_kind kind, int index,
                       const void *data, size_t bytes, pt_request *r)
{
    return pt_comm_send_all(c, peer, 1, kind, index, data, bytes, r);
}

pt_status pt_comm_recv(pt_comm *c, int peer, pt_msg_kind kind, int index, void *data,
                       size_t bytes, pt_request *r)
{
    int tag = begin(r, true, peer, kind, index, data, bytes);
    pt_status s;

    c->received += bytes + PT_MSG_CHECK_BYTES;
    s = c->ops->recv(c->self, peer, tag, data, bytes, &r->native);
    if (s != PT_OK) return s;
    return c->ops->recv(c->self, peer, tag | CHECK_BIT, &r->crc, PT_MSG_CHECK_BYTES,
                        &r->check);
}

static pt_status check(const pt_request *r)
{
    uint32_t crc = pt_crc32c(0, r->data, r->bytes);
    char which[32];

    if (crc == r->crc) return PT_OK;
    say_index(r->kind, r->index, which, sizeof which);
    return pt_fail(PT_ERR_COMM,
                   "%s from rank %d arrived damaged (%s%s%zu bytes, checksum %08x, sent "
                   "with %08x)",
                   pt_msg_name(r->kind), r->peer, which, *which ? ", " : "", r->bytes,
                   crc, r->crc);
}

pt_status pt_comm_test(pt_comm *c, pt_request *r, bool *done)
{
    pt_status s;

    *done = true;
    if (!r->active) return PT_OK;
    s = c->ops->test(c->self, &r->native, done); /* one that has ended stays so */
    if (s == PT_OK && *done) s = c->ops->test(c->self, &r->check, done);
    if (s != PT_OK || !*done) return s;
    r->active = false;
    if (c->pulse) pt_pulse_progress(c->pulse);
    return r->receive ? check(r) : PT_OK;
}

void pt_comm_at(pt_comm *c, uint64_t step, const char *phase)
{
    if (c->pulse) pt_watchdog_at(step, phase);
}

void pt_comm_poll(pt_comm *c)
{
    if (!c->pulse) return;
    pt_pulse_progress(c->pulse);
    pt_pulse_serve(c->pulse, NULL, 0);
}

/* Tests each once, or only up to the first that is under way: testing one moves all
 * messages, and each test that finds nothing may give the core away. *left = how many of
 * the tested are under way, *moved = whether one ended. */
static pt_status look(pt_comm *c, pt_request *r, size_t n, bool all, size_t *left,
                      bool *moved)
{
    *left = 0;
    *moved = false;
    for (size_t i = 0; i < n; i++) {
        bool done;
        pt_status s;

        if (!r[i].active) continue;
        s = pt_comm_test(c, &r[i], &done);
        if (s != PT_OK) return s;
        if (done) {
            *moved = true;
            continue;
        }
        ++*left;
        if (!all) return PT_OK;
    }
    return PT_OK;
}

/* The text of a passed deadline where there is no pulse: who owes what of r [n]. */
static pt_status overdue(const pt_comm *c, const pt_request *r, size_t n)
{
    char who[160] = "";
    size_t at = 0;
    int last = -1;

    for (size_t i = 0; i < n && at + 12 < sizeof who; i++) {
        if (!r[i].active || r[i].peer == last) continue;
        last = r[i].peer;
        at += (size_t)snprintf(who + at, sizeof who - at, "%s%d", at ? ", " : "", last);
    }
    for (size_t i = 0; i < n; i++)
        if (r[i].active)
            return pt_fail(PT_ERR_COMM, "waited %.0f s for rank %s, which %s %s",
                           c->deadline_s, who, r[i].receive ? "owes" : "does not take",
                           pt_msg_name(r[i].kind));
    return PT_ERR_COMM;
}

bool pt_comm_late(pt_comm *c, const pt_idle *idle, const pt_request *r, size_t n)
{
    if (idle->looks <= LOOKS_BEFORE_SLEEP) return false;
    if (!c->pulse) return pt_idle_seconds(idle) > c->deadline_s;
    pt_pulse_serve(c->pulse, r, n);
    return pt_pulse_late(c->pulse);
}

/* A wait that goes on is worth saying where this rank is. */
static void say_wait(const pt_request *r, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (r[i].active) {
            pt_watchdog_waits(pt_msg_name(r[i].kind));
            return;
        }
}

pt_status pt_comm_wait(pt_comm *c, pt_request *r, size_t n)
{
    pt_idle idle;
    bool said = false;

    pt_idle_begin(&idle);
    for (;;) {
        bool late = pt_comm_late(c, &idle, r, n), moved;
        size_t left;
        pt_status s = look(c, r, n, late, &left, &moved);

        if (s == PT_OK && left == 0 && said) pt_watchdog_waits(NULL);
        if (s != PT_OK || left == 0) return s;
        if (late && !moved)
            return c->pulse ? pt_pulse_fail(c->pulse, r, n) : overdue(c, r, n);
        if (c->poll) c->poll(c->poll_context);
        if (c->pulse && idle.looks == LOOKS_BEFORE_SLEEP) {
            say_wait(r, n);
            said = true;
        }
        if (moved)
            pt_idle_begin(&idle);
        else
            pt_idle_pause(&idle);
    }
}
