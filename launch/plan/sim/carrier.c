#include "launch/plan/sim/carrier.h"

#include <stdlib.h>
#include <string.h>

#include <simgrid/comm.h>

#include "launch/plan/sim/cost.h"

static bool is_read(pt_msg_kind kind)
{
    return kind != PT_MSG_PUSH && kind != PT_MSG_PULL && kind != PT_MSG_MOMENTS &&
           kind != PT_MSG_FACTORS;
}

/* Handles of SimGrid's are odd, those of MPI even: both are addresses of objects. */
static uintptr_t mark(sg_comm_t comm)
{
    return (uintptr_t)comm | 1;
}

static bool is_marked(uintptr_t native)
{
    return native & 1;
}

static sg_comm_t unmark(uintptr_t native)
{
    return (sg_comm_t)(native & ~(uintptr_t)1);
}

/* A checksum is counted, and does not travel: of its four bytes SimGrid would make as
 * much work as of a gradient, and it never is the last to arrive. */
static pt_status arrive(uintptr_t *native)
{
    MPI_Request r = MPI_REQUEST_NULL;

    *native = 0;
    memcpy(native, &r, sizeof r);
    return PT_OK;
}

static bool is_near(const pt_sim_carrier *k, int peer)
{
    return k->sim->run->host[k->rank] == k->sim->run->host[peer];
}

static void count(const pt_sim_carrier *k, pt_channel channel, int peer, size_t bytes)
{
    int from = k->sim->run->host[k->rank], to = k->sim->run->host[peer];

    if (is_near(k, peer)) return;
    k->sim->links[from].sent += bytes;
    k->sim->links[to].received += bytes;
    k->sim->messages += channel == PT_CHANNEL_MESSAGES;
}

static pt_status find(const pt_sim_carrier *k, int from, int to, int tag,
                      sg_mailbox_t *out)
{
    *out = pt_mailboxes_find(k->sim->mailboxes, from, to, tag);
    return *out ? PT_OK : pt_fail(PT_ERR_NOMEM, "no memory for a message's mailbox");
}

/* SMPI 3.32 leaves the flag of a request that is over as it was. */
static pt_status test(pt_sim_carrier *k, uintptr_t *native, bool *done)
{
    MPI_Request r;
    pt_status s = PT_OK;

    if (is_marked(*native)) {
        *done = sg_comm_test(unmark(*native));
        if (*done) s = arrive(native);
        pt_cost_of(&k->owed_s);
        return s;
    }
    memcpy(&r, native, sizeof r);
    *done = r == MPI_REQUEST_NULL;
    if (!*done) s = k->ops->test(&k->mpi, native, done);
    pt_cost_of(&k->owed_s);
    return s;
}

/* Ends the oldest sends that are over. The program tests them when it needs their
 * buffers, but SimGrid looks through all that a rank has not tested each time that one of
 * its messages ends. */
static pt_status end_sends(pt_sim_carrier *k)
{
    pt_status s = PT_OK;

    for (bool done = true; k->n > 0 && done && s == PT_OK;) {
        s = test(k, k->sends[k->first], &done);
        if (!done) break;
        k->first = (k->first + 1) % k->room;
        k->n--;
    }
    return s;
}

static pt_status remember(pt_sim_carrier *k, uintptr_t *native)
{
    if (k->n == k->room) {
        size_t room = k->room ? 2 * k->room : 64;
        uintptr_t **sends = pt_calloc(room, sizeof(uintptr_t *));

        if (!sends) return pt_fail(PT_ERR_NOMEM, "no memory for %zu messages", room);
        for (size_t i = 0; i < k->n; i++) sends[i] = k->sends[(k->first + i) % k->room];
        free(k->sends);
        k->sends = sends;
        k->room = room;
        k->first = 0;
    }
    k->sends[(k->first + k->n++) % k->room] = native;
    return PT_OK;
}

static pt_status put(pt_sim_carrier *k, int peer, int tag, size_t bytes,
                     uintptr_t *native)
{
    sg_mailbox_t box;
    pt_status s = find(k, k->rank, peer, tag, &box);

    if (s == PT_OK) *native = mark(sg_mailbox_put_async(box, k->sim, (long)bytes));
    return s;
}

static pt_status get(pt_sim_carrier *k, int peer, int tag, uintptr_t *native)
{
    sg_mailbox_t box;
    pt_status s = find(k, peer, k->rank, tag, &box);

    if (s == PT_OK) *native = mark(sg_mailbox_get_async(box, &k->sim->nothing));
    return s;
}

static pt_status sim_send(void *self, pt_channel channel, int peer, int tag,
                          const void *data, size_t bytes, uintptr_t *native)
{
    pt_sim_carrier *k = self;
    pt_status s;

    pt_cost_pay();
    if (k->rank == 0 && peer == 1 && channel == PT_CHANNEL_MESSAGES &&
        pt_msg_kind_of(tag) == PT_MSG_RECORD)
        pt_sim_record(k->sim);
    count(k, channel, peer, bytes);
    if (channel == PT_CHANNEL_CHECKSUMS) return arrive(native);
    s = is_read(pt_msg_kind_of(tag))
            ? k->ops->send(&k->mpi, channel, peer, tag, data, bytes, native)
            : put(k, peer, tag, bytes, native);
    pt_cost_of(&k->owed_s);
    if (!is_near(k, peer)) pt_cost_owe(k->sim->costs.rates.send * (double)bytes);
    if (s == PT_OK) s = remember(k, native);
    return s == PT_OK ? end_sends(k) : s;
}

static pt_status sim_recv(void *self, pt_channel channel, int peer, int tag, void *data,
                          size_t bytes, uintptr_t *native)
{
    pt_sim_carrier *k = self;
    pt_status s;

    if (channel == PT_CHANNEL_CHECKSUMS) return arrive(native);
    s = is_read(pt_msg_kind_of(tag))
            ? k->ops->recv(&k->mpi, channel, peer, tag, data, bytes, native)
            : get(k, peer, tag, native);
    pt_cost_of(&k->owed_s);
    if (!is_near(k, peer)) pt_cost_owe(k->sim->costs.rates.receive * (double)bytes);
    return s;
}

static pt_status sim_test(void *self, uintptr_t *native, bool *done)
{
    return test(self, native, done);
}

static pt_status sim_wait(void *self, uintptr_t *native)
{
    pt_sim_carrier *k = self;
    MPI_Request r;
    pt_status s;

    pt_cost_pay();
    s = end_sends(k);
    if (s != PT_OK) return s;
    if (is_marked(*native)) {
        sg_comm_wait(unmark(*native));
        s = arrive(native);
        pt_cost_of(&k->owed_s);
        return s;
    }
    memcpy(&r, native, sizeof r);
    s = pt_mpi_check(MPI_Wait(&r, MPI_STATUS_IGNORE), "MPI_Wait");
    memcpy(native, &r, sizeof r);
    pt_cost_of(&k->owed_s);
    return s;
}

static const pt_comm_ops ops = {
    .send = sim_send, .recv = sim_recv, .test = sim_test, .wait = sim_wait};

pt_status pt_sim_carrier_init(pt_sim_carrier *k, pt_sim *s, pt_comm *out)
{
    pt_status st;

    *k = (pt_sim_carrier){.sim = s};
    st = pt_comm_mpi_create(MPI_COMM_WORLD, &k->mpi);

    if (st == PT_OK) st = pt_comm_mpi_init(out, &k->mpi, 1);
    k->ops = out->ops;
    k->rank = out->rank;
    out->ops = &ops;
    out->self = k;
    pt_cost_of(&k->owed_s);
    return st;
}
