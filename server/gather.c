/* A key's gradient arrives in parts (common/run/tiles.h).
 *
 * Receives are posted for a window of keys, n_slots of them, in the order in which a
 * backward pass finishes them; key k of the step uses slot k % n_slots. Keys are also
 * finished in that order: a key that is complete waits for those before it. So a waiting
 * server tests the parts of one key, and memory is n_slots keys, not the model.
 *
 * Workers of this server's host lend their parts: the sums are formed in the workers' own
 * memory, which they overwrite only when the key's new weights have come. */
#include "server/gather.h"

#include <stdlib.h>

#include "common/base/bf16.h"
#include "common/run/tiles.h"
#include "common/run/trace.h"
#include "common/run/wire.h"

enum { MAX_SLOTS = 32, SLOT_BUDGET = 64 << 20, LENT = -1 };

/* One key in progress; key k of a step is in slot k % n_slots. */
typedef struct {
    float *buffer;        /* [copies][max_floats] */
    pt_request *requests; /* [parts] */
} slot;

struct pt_gather {
    pt_run *run;
    pt_comm *comm;
    size_t max_floats; /* of a key */
    pt_tiles parts;
    int *copy;      /* [parts.max]: its place among the copies; LENT: it has none */
    int max_copies; /* parts that are not lent */
    int n_slots;
    slot slots[MAX_SLOTS];
    double seconds; /* CPU time of sums so far */
};

static size_t largest_key(const pt_run *run)
{
    size_t max = 1;

    for (int k = 0; k < run->keys->n; k++)
        if (run->keys->keys[k].count > max) max = run->keys->keys[k].count;
    return max;
}

/* Are the sums of sender `s` lent to server `rank`? */
static bool lends(const pt_tiles *parts, int rank, int s)
{
    return pt_run_lends(parts->run, rank,
                        parts->run->n_servers + parts->senders[s].first);
}

/* Parts that server `rank` must have buffers for. */
static int count_copies(const pt_tiles *parts, int rank)
{
    int n = 0;

    for (int s = 0; s < parts->n_senders; s++)
        if (!lends(parts, rank, s)) n += pt_tiles_of_sender(parts, s);
    return n;
}

static int slots_for(size_t copies_bytes)
{
    size_t n = copies_bytes > 0 ? SLOT_BUDGET / copies_bytes : MAX_SLOTS;

    return n < 2 ? 2 : n > MAX_SLOTS ? MAX_SLOTS : (int)n;
}

/* All parts of this server's keys. */
static pt_status init_parts(pt_tiles *parts, const pt_run *run, int rank)
{
    pt_sender *senders = pt_calloc((size_t)run->n_workers, sizeof *senders);
    pt_status s;

    if (!senders) return pt_fail(PT_ERR_NOMEM, "no memory for the list of senders");
    s = pt_tiles_init(parts, run, senders, pt_run_senders(run, rank, senders));
    free(senders);
    return s;
}

size_t pt_gather_bytes(const pt_run *run, int rank)
{
    pt_tiles parts;
    size_t one;

    if (init_parts(&parts, run, rank) != PT_OK) return 0;
    one = largest_key(run) * sizeof(float) * (size_t)count_copies(&parts, rank);
    pt_tiles_fini(&parts);
    return one * (size_t)slots_for(one);
}

void pt_gather_destroy(pt_gather **g)
{
    pt_gather *p = g ? *g : NULL;

    if (!p) return;
    for (int i = 0; i < p->n_slots; i++) {
        free(p->slots[i].buffer);
        free(p->slots[i].requests);
    }
    pt_tiles_fini(&p->parts);
    free(p->copy);
    free(p);
    *g = NULL;
}

static pt_status make_slots(pt_gather *g)
{
    size_t parts = (size_t)g->parts.max, copies = (size_t)g->max_copies;
    bool ok = true;

    for (int i = 0; i < g->n_slots; i++) {
        slot *s = &g->slots[i];

        s->buffer = pt_calloc(pt_mul(copies, g->max_floats), sizeof(float));
        s->requests = pt_calloc(parts, sizeof *s->requests);
        ok = ok && (s->buffer || copies == 0) && s->requests;
    }
    g->copy = pt_calloc(parts, sizeof *g->copy);
    return ok && g->copy ? PT_OK
                         : pt_fail(PT_ERR_NOMEM, "no memory for the sums (%zu bytes)",
                                   pt_gather_bytes(g->run, g->comm->rank));
}

pt_status pt_gather_create(pt_run *run, pt_comm *comm, pt_gather **out)
{
    pt_gather *g = pt_calloc(1, sizeof *g);
    size_t max = largest_key(run);
    pt_status s;

    *out = NULL;
    if (!g) return pt_fail(PT_ERR_NOMEM, "no memory for the sums");
    g->run = run;
    g->comm = comm;
    s = init_parts(&g->parts, run, comm->rank);
    g->max_floats = (max + 15) / 16 * 16;
    if (s == PT_OK) {
        g->max_copies = count_copies(&g->parts, comm->rank);
        g->n_slots = slots_for(max * sizeof(float) * (size_t)g->max_copies);
        s = make_slots(g);
    }
    if (s == PT_OK)
        *out = g;
    else
        pt_gather_destroy(&g);
    return s;
}

static void enter_step(pt_gather *g, uint64_t step)
{
    int copies = 0;

    pt_tiles_enter(&g->parts, step);
    for (int p = 0; p < g->parts.n; p++)
        g->copy[p] =
            lends(&g->parts, g->comm->rank, g->parts.sender[p]) ? LENT : copies++;
}

static bool lent(const pt_gather *g, int p)
{
    return g->copy[p] == LENT;
}

static float *copy(const pt_gather *g, const slot *s, int p)
{
    return s->buffer + (size_t)g->copy[p] * g->max_floats;
}

/* Bytes of part p of a key; what is lent is floats. */
static size_t part_bytes(const pt_gather *g, int p, size_t count)
{
    return lent(g, p) ? count * sizeof(float) : pt_push_bytes(g->run, count);
}

/* Where they arrive, at the end of the copy's values: bfloat16 are unpacked in place. */
static void *arrival(const pt_gather *g, const slot *s, int p, size_t count)
{
    return lent(g, p) ? NULL : (char *)(copy(g, s, p) + count) - part_bytes(g, p, count);
}

static pt_status post(pt_gather *g, slot *s, int key)
{
    const pt_key *k = &g->run->keys->keys[key];
    const pt_tiles *parts = &g->parts;
    pt_status st = PT_OK;

    for (int p = 0; p < parts->n && st == PT_OK; p++)
        if (parts->full[p])
            st = pt_comm_borrow(
                g->comm, pt_sender_rank(g->run, &parts->senders[parts->sender[p]], key),
                PT_MSG_PUSH, key * PT_MSG_COVERS + parts->index[p],
                arrival(g, s, p, k->count), part_bytes(g, p, k->count), &s->requests[p]);
    return st;
}

/* Part p of a key as floats: where it is lent, or the copy. */
static float *part(const pt_gather *g, const slot *s, int p, size_t count)
{
    if (lent(g, p)) return s->requests[p].data;
    if (pt_run_wire_bf16(g->run))
        pt_bf16_unpack(arrival(g, s, p, count), count, copy(g, s, p));
    return copy(g, s, p);
}

static void take_parts(pt_gather *g, const slot *s, size_t count)
{
    pt_tiles *parts = &g->parts;

    for (int p = 0; p < parts->n; p++)
        parts->values[p] = parts->full[p] ? part(g, s, p, count) : NULL;
}

/* The sum of the parts' values, which are overwritten. */
static const float *finish(pt_gather *g, size_t count)
{
    double start = pt_cpu_clock();
    void *root[PT_MAX_COVER];

    pt_tiles_merge(&g->parts, count, root);
    g->seconds += pt_cpu_clock() - start;
    return root[0];
}

double pt_gather_seconds(const pt_gather *g)
{
    return g->seconds;
}

/* The gradient of a key whose parts are here. */
static const float *aggregate(pt_gather *g, const slot *t, int key)
{
    double start = pt_trace_clock(g->run->trace);
    size_t count = g->run->keys->keys[key].count;
    const float *sum;

    take_parts(g, t, count);
    sum = finish(g, count);
    pt_trace_until_now(g->run->trace, PT_TRACE_AGGREGATE, key, start);
    return sum;
}

pt_status pt_gather_keys(pt_gather *g, uint64_t step, const int *keys, int n,
                         pt_status (*done)(void *context, int key, const float *gradient),
                         void *context)
{
    int next = 0;
    pt_status s = PT_OK;

    enter_step(g, step);
    for (int k = 0; k < n && s == PT_OK; k++) {
        slot *t = &g->slots[k % g->n_slots];
        double start;

        while (next < n && next < k + g->n_slots && s == PT_OK) {
            s = post(g, &g->slots[next % g->n_slots], keys[next]);
            next++;
        }
        start = pt_trace_clock(g->run->trace);
        if (s == PT_OK) s = pt_comm_wait(g->comm, t->requests, (size_t)g->parts.n);
        pt_trace_until_now(g->run->trace, PT_TRACE_GATHER, keys[k], start);
        if (s == PT_OK) s = done(context, keys[k], aggregate(g, t, keys[k]));
    }
    return s;
}
