#include "common/comm/link.h"

#include <sched.h>

#include "common/comm/pulse.h"

/* Seconds without progress before a wait begins to sleep. */
static const double awake_s = 0.05;

static pt_status begin(pt_comm *c, bool receive, int peer, void *data, size_t bytes,
                       pt_request *r)
{
    int tag = pt_msg_tag(PT_MSG_LINK, 0);

    PT_CHECK(bytes <= PT_MSG_PART_BYTES, "a measurement of %zu bytes", bytes);
    *r = (pt_request){.active = true,
                      .receive = receive,
                      .kind = PT_MSG_LINK,
                      .peer = peer,
                      .data = data,
                      .bytes = bytes};
    return receive ? c->ops->recv(c->self, PT_CHANNEL_MESSAGES, peer, tag, data, bytes,
                                  &r->native)
                   : c->ops->send(c->self, PT_CHANNEL_MESSAGES, peer, tag, data, bytes,
                                  &r->native);
}

static pt_status begin_send(pt_comm *c, int peer, const void *data, size_t bytes,
                            pt_request *r)
{
    return begin(c, false, peer, (void *)(uintptr_t)data, bytes, r);
}

/* Tests each; *left = how many are pending. */
static pt_status look(pt_comm *c, pt_request *r, size_t n, size_t *left)
{
    *left = 0;
    for (size_t i = 0; i < n; i++) {
        bool done = true;
        pt_status s = r[i].active ? c->ops->test(c->self, &r[i].native, &done) : PT_OK;

        if (s != PT_OK) return s;
        if (done) r[i].active = false;
        *left += !done;
    }
    return PT_OK;
}

static pt_status wait(pt_comm *c, pt_request *r, size_t n)
{
    pt_idle idle;
    size_t before = n + 1;

    pt_idle_begin(&idle);
    for (;;) {
        size_t left;
        pt_status s = look(c, r, n, &left);

        if (s != PT_OK || left == 0) return s;
        if (left < before) pt_idle_begin(&idle);
        before = left;
        if (pt_idle_seconds(&idle) < awake_s)
            sched_yield();
        else
            pt_idle_pause(&idle);
        if (!pt_comm_late(c, &idle, r, n)) continue;
        return c->pulse ? pt_pulse_fail(c->pulse, r, n)
                        : pt_fail(PT_ERR_COMM, "waited %.0f s for a measurement",
                                  c->deadline_s);
    }
}

/* One message each way, where there is somebody. */
static pt_status swap(pt_comm *c, int to, int from, const void *data, void *into,
                      size_t bytes)
{
    pt_request r[2] = {{0}};
    pt_status s = from >= 0 ? begin(c, true, from, into, bytes, &r[0]) : PT_OK;

    if (s == PT_OK && to >= 0) s = begin_send(c, to, data, bytes, &r[1]);
    return s == PT_OK ? wait(c, r, 2) : s;
}

pt_status pt_link_transfer(pt_comm *c, int to, int from, const void *data, void *into,
                           size_t bytes, double *seconds)
{
    char mine = 0, theirs;
    /* who will receive says so to who will send */
    pt_status s = swap(c, from, to, &mine, &theirs, 1);
    double start = pt_clock();

    if (s == PT_OK) s = swap(c, to, from, data, into, bytes);
    *seconds = pt_clock() - start;
    return s;
}

pt_status pt_link_ask(pt_comm *c, int peer, int trips, pt_link_trip *best)
{
    pt_status s = PT_OK;

    *best = (pt_link_trip){.seconds = -1};
    for (int i = 0; i < trips && s == PT_OK; i++) {
        double start = pt_clock(), there, back;

        s = swap(c, peer, peer, &start, &there, sizeof start);
        back = pt_clock();
        if (best->seconds >= 0 && back - start >= best->seconds) continue;
        *best = (pt_link_trip){back - start, there - (start + back) / 2};
    }
    return s;
}

pt_status pt_link_answer(pt_comm *c, int peer, int trips)
{
    pt_status s = PT_OK;

    for (int i = 0; i < trips && s == PT_OK; i++) {
        double theirs, mine;

        s = swap(c, -1, peer, NULL, &theirs, sizeof theirs);
        mine = pt_clock();
        if (s == PT_OK) s = swap(c, peer, -1, &mine, NULL, sizeof mine);
    }
    return s;
}
