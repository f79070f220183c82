/* A key's gradient arrives in parts (server/arrivals.h).
 *
 * Receives are posted for a window of keys, n_slots of them, in the order in which a
 * backward pass finishes them; key k of the step uses slot k % n_slots. Keys are also
 * finished in that order: a key that is complete waits for those before it. So a waiting
 * server tests the parts of one key, and memory is n_slots keys, not the model.
 *
 * Workers of this server's host lend their parts: the sums are formed in the workers' own
 * memory, which they overwrite only when the key's new weights have come. Parts that are
 * formed from factors have a copy, and no message of their own. */
#include "server/gather.h"

#include <stdlib.h>

#include "common/base/bf16.h"
#include "common/run/hosts.h"
#include "common/run/trace.h"
#include "common/run/window.h"
#include "common/run/wire.h"
#include "server/arrivals.h"
#include "server/factor_sums.h"

/* One key in progress; key k of a step is in slot k % n_slots. */
typedef struct {
    float *buffer;        /* [copies][max_floats] */
    pt_request *requests; /* [parts] */
} slot;

struct pt_gather {
    pt_run *run;
    pt_comm *comm;
    size_t max_floats;    /* of a key */
    pt_arrivals sums;     /* where no factors come */
    pt_arrivals *factors; /* [n_params]; no tiles: none come of this tensor */
    pt_factor_sums *former;
    int n_slots;
    slot slots[PT_WINDOW_SLOTS];
    double seconds; /* CPU time of sums so far */
};

size_t pt_gather_bytes(const pt_run *run, int rank)
{
    size_t one =
        pt_window_largest_key(run) * sizeof(float) * (size_t)pt_run_copies(run, rank);

    return one * (size_t)pt_window_slots(run, rank) + pt_factor_sums_bytes(run, rank);
}

void pt_gather_destroy(pt_gather **g)
{
    pt_gather *p = g ? *g : NULL;

    if (!p) return;
    for (int i = 0; i < p->n_slots; i++) {
        free(p->slots[i].buffer);
        free(p->slots[i].requests);
    }
    pt_arrivals_fini(&p->sums);
    for (int i = 0; p->factors && i < p->run->graph->n_params; i++)
        pt_arrivals_fini(&p->factors[i]);
    free(p->factors);
    pt_factor_sums_destroy(&p->former);
    free(p);
    *g = NULL;
}

static pt_status make_slots(pt_gather *g)
{
    size_t parts = (size_t)g->sums.tiles.max, copies = (size_t)g->sums.n_copies;
    bool ok = true;

    g->n_slots = pt_window_slots(g->run, g->comm->rank);
    for (int i = 0; i < g->n_slots; i++) {
        slot *s = &g->slots[i];

        s->buffer = pt_calloc(pt_mul(copies, g->max_floats), sizeof(float));
        s->requests = pt_calloc(parts, sizeof *s->requests);
        ok = ok && (s->buffer || copies == 0) && s->requests;
    }
    return ok ? PT_OK
              : pt_fail(PT_ERR_NOMEM, "no memory for the sums (%zu bytes)",
                        pt_gather_bytes(g->run, g->comm->rank));
}

/* Tensors of which factors come: fewer parts than without. */
static pt_status make_factors(pt_gather *g)
{
    int n = g->run->graph->n_params;
    pt_status s = pt_factor_sums_create(g->run, g->comm, &g->former);

    g->factors = pt_calloc((size_t)n, sizeof *g->factors);
    if (s == PT_OK && !g->factors)
        s = pt_fail(PT_ERR_NOMEM, "no memory for gradients' factors");
    for (int i = 0; i < n && s == PT_OK; i++)
        if (pt_factor_sums_has(g->former, i))
            s = pt_arrivals_init(&g->factors[i], g->run, g->comm->rank, i);
    return s;
}

pt_status pt_gather_create(pt_run *run, pt_comm *comm, pt_gather **out)
{
    pt_gather *g = pt_calloc(1, sizeof *g);
    size_t max = pt_window_largest_key(run);
    pt_status s;

    *out = NULL;
    if (!g) return pt_fail(PT_ERR_NOMEM, "no memory for the sums");
    g->run = run;
    g->comm = comm;
    s = pt_arrivals_init(&g->sums, run, comm->rank, -1);
    g->max_floats = (max + 15) / 16 * 16;
    if (s == PT_OK) s = make_slots(g);
    if (s == PT_OK) s = make_factors(g);
    if (s == PT_OK)
        *out = g;
    else
        pt_gather_destroy(&g);
    return s;
}

static void enter_step(pt_gather *g, uint64_t step)
{
    pt_arrivals_enter(&g->sums, step);
    for (int i = 0; i < g->run->graph->n_params; i++)
        if (pt_factor_sums_has(g->former, i)) pt_arrivals_enter(&g->factors[i], step);
    pt_factor_sums_enter(g->former, step);
}

static pt_arrivals *arrivals(pt_gather *g, int key)
{
    int tensor = g->run->keys->keys[key].tensor;

    return pt_factor_sums_has(g->former, tensor) ? &g->factors[tensor] : &g->sums;
}

/* A part of a key. */
typedef struct {
    const pt_arrivals *a;
    int i;
    const pt_key *key;
} piece;

static float *copy(const pt_gather *g, const slot *s, piece p)
{
    return s->buffer + (size_t)p.a->copy[p.i] * g->max_floats;
}

/* Bytes of a part; what is lent is floats. */
static size_t piece_bytes(const pt_gather *g, piece p)
{
    return pt_arrivals_lent(p.a, p.i) ? p.key->count * sizeof(float)
                                      : pt_push_bytes(g->run, p.key->count);
}

/* Where it arrives, at the end of the copy's values: bfloat16 are unpacked in place. */
static void *arrival(const pt_gather *g, const slot *s, piece p)
{
    return pt_arrivals_lent(p.a, p.i)
               ? NULL
               : (char *)(copy(g, s, p) + p.key->count) - piece_bytes(g, p);
}

static pt_status post(pt_gather *g, slot *s, int key)
{
    const pt_arrivals *a = arrivals(g, key);
    const pt_tiles *t = &a->tiles;
    pt_status st = pt_factor_sums_expect(g->former, g->run->keys->keys[key].tensor);

    for (int i = 0; i < t->n && st == PT_OK; i++) {
        piece p = {a, i, &g->run->keys->keys[key]};

        if (t->full[i] && !pt_arrivals_formed(a, i))
            st = pt_comm_borrow(g->comm,
                                pt_sender_rank(g->run, &t->senders[t->sender[i]], key),
                                PT_MSG_PUSH, key * PT_MSG_COVERS + t->index[i],
                                arrival(g, s, p), piece_bytes(g, p), &s->requests[i]);
    }
    return st;
}

/* All that a key is made of has come. */
static pt_status wait(pt_gather *g, slot *s, int key)
{
    pt_status st = pt_comm_wait(g->comm, s->requests, (size_t)g->sums.tiles.max);

    return st == PT_OK ? pt_factor_sums_wait(g->former, g->run->keys->keys[key].tensor)
                       : st;
}

/* A part as floats: where it is lent, or the copy. */
static float *part(const pt_gather *g, const slot *s, piece p)
{
    int key = (int)(p.key - g->run->keys->keys);

    if (pt_arrivals_lent(p.a, p.i)) return s->requests[p.i].data;
    if (pt_arrivals_formed(p.a, p.i))
        pt_factor_sums_form(g->former, key, p.a->tiles.trees[p.i], copy(g, s, p));
    else if (pt_run_wire_bf16(g->run))
        pt_bf16_unpack(arrival(g, s, p), p.key->count, copy(g, s, p));
    return copy(g, s, p);
}

/* The sum of a key's parts, which are overwritten. */
static const float *finish(pt_gather *g, const slot *s, int key)
{
    double start = pt_cpu_clock();
    pt_arrivals *a = arrivals(g, key);
    pt_tiles *parts = &a->tiles;
    const pt_key *k = &g->run->keys->keys[key];
    void *root[PT_MAX_COVER];

    for (int p = 0; p < parts->n; p++)
        parts->values[p] = parts->full[p] ? part(g, s, (piece){a, p, k}) : NULL;
    pt_tiles_merge(parts, k->count, root);
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
    const float *sum = finish(g, t, key);

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
        if (s == PT_OK) s = wait(g, t, keys[k]);
        pt_trace_until_now(g->run->trace, PT_TRACE_GATHER, keys[k], start);
        if (s == PT_OK) s = done(context, keys[k], aggregate(g, t, keys[k]));
    }
    return s;
}
