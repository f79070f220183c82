#include "common/comm/comm.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/crc32c.h"
#include "common/comm/pulse.h"
#include "common/comm/segments.h"
#include "common/comm/watchdog.h"

/* ---- messages ---------------------------------------------------------------------- */

static bool is_bulk(pt_msg_kind kind)
{
    return kind == PT_MSG_PUSH || kind == PT_MSG_FACTORS || kind == PT_MSG_PULL;
}

static size_t part_bytes(const pt_comm *c, const pt_request *r)
{
    if (c->part_bytes > 0) return c->part_bytes;
    return c->unasked && is_bulk(r->kind) ? PT_MSG_UNASKED_BYTES : PT_MSG_PART_BYTES;
}

/* Parts of a message; an empty message has one. */
static size_t count_parts(const pt_comm *c, const pt_request *r)
{
    return r->bytes == 0 ? 1 : (r->bytes - 1) / part_bytes(c, r) + 1;
}

static uintptr_t *part_handle(pt_request *r, size_t part)
{
    return part == 0 ? &r->native : &r->more[part - 1];
}

/* Posts all parts at once, so that a later message of the same tag comes after them. */
static pt_status post(pt_comm *c, pt_request *r)
{
    const pt_comm_ops *o = c->ops;
    size_t n = count_parts(c, r), size = part_bytes(c, r);
    int tag = pt_msg_tag(r->kind, r->index);
    pt_status s = PT_OK;

    r->more = n > 1 ? pt_calloc(n - 1, sizeof *r->more) : NULL;
    if (!r->receive) atomic_thread_fence(memory_order_release);
    if (n > 1 && !r->more)
        return pt_fail(PT_ERR_NOMEM, "no memory for the %zu parts of a message", n);
    for (size_t i = 0; i < n && s == PT_OK; i++) {
        char *at = (char *)r->data + i * size;
        size_t some = i + 1 < n ? size : r->bytes - i * size;
        uintptr_t *h = part_handle(r, i);

        s = r->receive ? o->recv(c->self, PT_CHANNEL_MESSAGES, r->peer, tag, at, some, h)
                       : o->send(c->self, PT_CHANNEL_MESSAGES, r->peer, tag, at, some, h);
    }
    if (s != PT_OK) return s;
    return r->receive ? o->recv(c->self, PT_CHANNEL_CHECKSUMS, r->peer, tag, &r->crc,
                                PT_MSG_CHECK_BYTES, &r->check)
                      : o->send(c->self, PT_CHANNEL_CHECKSUMS, r->peer, tag, &r->crc,
                                PT_MSG_CHECK_BYTES, &r->check);
}

static void begin(pt_request *r, bool receive, int peer, pt_msg_kind kind, int index,
                  void *data, size_t bytes)
{
    PT_CHECK(!r->active, "request is already in use: %s", pt_msg_name(kind));
    *r = (pt_request){.active = true,
                      .receive = receive,
                      .kind = kind,
                      .peer = peer,
                      .index = index,
                      .data = data,
                      .bytes = bytes};
}

static void depart(pt_comm *c, pt_msg_kind kind)
{
    if (is_bulk(kind) && c->under_way.n++ == 0) c->under_way.since = pt_clock();
}

static void arrive(pt_comm *c, pt_msg_kind kind)
{
    if (is_bulk(kind) && --c->under_way.n == 0)
        c->under_way.seconds += pt_clock() - c->under_way.since;
}

double pt_comm_seconds_under_way(const pt_comm *c)
{
    const pt_under_way *u = &c->under_way;

    return u->seconds + (u->n > 0 ? pt_clock() - u->since : 0);
}

static pt_status post_send(pt_comm *c, pt_request *r, uint32_t crc)
{
    r->crc = crc;
    c->sent += r->bytes + PT_MSG_CHECK_BYTES;
    depart(c, r->kind);
    return post(c, r);
}

pt_status pt_comm_send_all(pt_comm *c, int first, int n, pt_msg_kind kind, int index,
                           const void *data, size_t bytes, pt_request *r)
{
    uint32_t crc = n > 0 ? pt_crc32c(0, data, bytes) : 0;
    pt_status s = PT_OK;

    for (int i = 0; i < n && s == PT_OK; i++) {
        begin(&r[i], false, first + i, kind, index, (void *)(uintptr_t)data, bytes);
        s = post_send(c, &r[i], crc);
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
    begin(r, true, peer, kind, index, data, bytes);
    c->received += bytes + PT_MSG_CHECK_BYTES;
    return post(c, r);
}

/* ---- lent -------------------------------------------------------------------------- */

/* The place travels from the request itself. */
static void begin_lent(pt_request *r, bool receive, int peer, pt_msg_kind kind, int index)
{
    begin(r, receive, peer, kind, index, &r->place, PT_MSG_PLACE_BYTES);
    r->lent = true;
}

static pt_status lend(pt_comm *c, int peer, pt_msg_kind kind, int index, const void *data,
                      size_t bytes, pt_request *r)
{
    begin_lent(r, false, peer, kind, index);
    r->place = pt_segments_place(c->segments, data, bytes);
    return post_send(c, r, pt_crc32c(0, &r->place, PT_MSG_PLACE_BYTES));
}

pt_status pt_comm_lend_all(pt_comm *c, const int *peers, int n, pt_msg_kind kind,
                           int index, const void *data, size_t bytes, pt_request *r)
{
    bool summed = false;
    uint32_t crc = 0;
    pt_status s = PT_OK;

    for (int i = 0; i < n && s == PT_OK; i++) {
        if (pt_segments_has(c->segments, peers[i])) {
            s = lend(c, peers[i], kind, index, data, bytes, &r[i]);
            continue;
        }
        if (!summed) crc = pt_crc32c(0, data, bytes);
        summed = true;
        begin(&r[i], false, peers[i], kind, index, (void *)(uintptr_t)data, bytes);
        s = post_send(c, &r[i], crc);
    }
    return s;
}

pt_status pt_comm_lend(pt_comm *c, int peer, pt_msg_kind kind, int index,
                       const void *data, size_t bytes, pt_request *r)
{
    return pt_comm_lend_all(c, &peer, 1, kind, index, data, bytes, r);
}

pt_status pt_comm_borrow(pt_comm *c, int peer, pt_msg_kind kind, int index, void *buffer,
                         size_t bytes, pt_request *r)
{
    if (!pt_segments_has(c->segments, peer))
        return pt_comm_recv(c, peer, kind, index, buffer, bytes, r);
    begin_lent(r, true, peer, kind, index);
    r->lent_bytes = bytes;
    c->received += PT_MSG_PLACE_BYTES + PT_MSG_CHECK_BYTES;
    return post(c, r);
}

/* A place has arrived: the bytes themselves. */
static pt_status find_lent(const pt_comm *c, pt_request *r)
{
    r->data = pt_segments_at(c->segments, r->peer, r->place, r->lent_bytes);
    return r->data ? PT_OK
                   : pt_fail(PT_ERR_COMM,
                             "%s from rank %d: %zu bytes at %llu are not in that rank's "
                             "shared memory",
                             pt_msg_name(r->kind), r->peer, r->lent_bytes,
                             (unsigned long long)r->place);
}

/* ---- arrival ----------------------------------------------------------------------- */

static pt_status check(const pt_request *r)
{
    uint32_t crc = pt_crc32c(0, r->data, r->bytes);
    char which[32];

    if (crc == r->crc) return PT_OK;
    pt_msg_which(r->kind, r->index, which, sizeof which);
    return pt_fail(PT_ERR_COMM,
                   "%s from rank %d arrived damaged (%s%s%zu bytes, checksum %08x, "
                   "expected %08x)",
                   pt_msg_name(r->kind), r->peer, which, *which ? ", " : "", r->bytes,
                   crc, r->crc);
}

/* Tests the parts that have not completed; each completed part is progress. A handle that
 * has completed stays so. */
static pt_status test_parts(pt_comm *c, pt_request *r, bool *done)
{
    size_t n = count_parts(c, r);
    pt_status s = PT_OK;

    *done = true;
    for (; r->parts_done < n && s == PT_OK && *done; r->parts_done += *done) {
        s = c->ops->test(c->self, part_handle(r, r->parts_done), done);
        if (s == PT_OK && *done && c->pulse) pt_pulse_progress(c->pulse);
    }
    return s;
}

pt_status pt_comm_test(pt_comm *c, pt_request *r, bool *done)
{
    pt_status s;

    *done = true;
    if (!r->active) return PT_OK;
    s = test_parts(c, r, done);
    if (s == PT_OK && *done) s = c->ops->test(c->self, &r->check, done);
    if (s != PT_OK || !*done) return s;
    r->active = false;
    free(r->more);
    r->more = NULL;
    if (!r->receive) {
        arrive(c, r->kind);
        return PT_OK;
    }
    atomic_thread_fence(memory_order_acquire);
    s = check(r);
    return s == PT_OK && r->lent ? find_lent(c, r) : s;
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

/* Tests each once, or (all = false) only up to the first that is pending: testing one
 * request advances all messages, and each test that finds nothing may yield the core.
 * *left = how many of the tested are pending, *moved = whether one completed. */
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

/* Without a pulse, the text of a missed deadline: who owes what of r [n]. */
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
                           c->deadline_s, who, r[i].receive ? "owes" : "does not accept",
                           pt_msg_name(r[i].kind));
    return PT_ERR_COMM;
}

bool pt_comm_late(pt_comm *c, const pt_idle *idle, const pt_request *r, size_t n)
{
    if (idle->looks <= PT_IDLE_LOOKS) return false;
    if (!c->pulse) return pt_idle_seconds(idle) > c->deadline_s;
    pt_pulse_serve(c->pulse, r, n);
    return pt_pulse_late(c->pulse);
}

/* The number of the first pending request of r [n]; n: none is. */
static size_t first_pending(const pt_request *r, size_t n)
{
    size_t i = 0;

    while (i < n && !r[i].active) i++;
    return i;
}

/* Records what this rank waits for, once a wait takes long. */
static void record_wait(const pt_request *r, size_t n)
{
    size_t i = first_pending(r, n);

    if (i < n) pt_watchdog_waits(pt_msg_name(r[i].kind));
}

/* The carrier waits for what the first pending request still lacks. */
static pt_status wait_first(pt_comm *c, pt_request *r, size_t n)
{
    size_t i = first_pending(r, n);

    if (i == n) return PT_OK;
    return c->ops->wait(c->self, r[i].parts_done < count_parts(c, &r[i])
                                     ? part_handle(&r[i], r[i].parts_done)
                                     : &r[i].check);
}

/* Are gradients or weights on their way by the network? What is lent is small. */
static bool in_transit(const pt_comm *c, const pt_request *r, size_t n)
{
    size_t i = first_pending(r, n);

    return c->under_way.n > 0 || (i < n && r[i].kind == PT_MSG_PULL && !r[i].lent);
}

pt_status pt_comm_wait(pt_comm *c, pt_request *r, size_t n)
{
    pt_idle idle;
    bool recorded = false;

    if (c->pulse) pt_pulse_serve(c->pulse, NULL, 0); /* no wait may be a long one */
    pt_idle_begin(&idle);
    for (;;) {
        bool late = pt_comm_late(c, &idle, r, n), moved;
        size_t left;
        pt_status s = look(c, r, n, late, &left, &moved);

        if (s == PT_OK && left == 0 && recorded) pt_watchdog_waits(NULL);
        if (s == PT_OK && left > 0 && c->ops->wait) {
            s = wait_first(c, r, n);
            if (s == PT_OK) continue;
        }
        if (s != PT_OK || left == 0) return s;
        if (late && !moved)
            return c->pulse ? pt_pulse_fail(c->pulse, r, n) : overdue(c, r, n);
        if (c->poll) s = c->poll(c->poll_context, &moved);
        if (s != PT_OK) return s;
        if (c->pulse && idle.looks == PT_IDLE_LOOKS) {
            record_wait(r, n);
            recorded = true;
        }
        if (moved)
            pt_idle_begin(&idle);
        else if (in_transit(c, r, n))
            pt_idle_pause_briefly(&idle);
        else
            pt_idle_pause(&idle);
    }
}
