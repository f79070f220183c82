/* A key's gradient arrives as parts: the sums of the aligned sub-trees that each worker
 * owns, left to right, one message each. The parts of all workers tile the tree over the
 * V shards, whatever the number of workers, so finishing it always gives the same bits.
 *
 * Receives are posted for a window of keys, n_slots of them, in the order in which a
 * backward pass finishes them; key k of the step uses slot k % n_slots. Keys are also
 * finished in that order: a key that is complete waits for those before it. So a waiting
 * server tests the parts of one key, and memory is n_slots keys, not the model.
 *
 * Workers of this server's host lend their parts: the sums are formed in the workers' own
 * memory, which they overwrite only when the key's new weights have come. */
#include "server/gather.h"

#include <math.h>
#include <stdlib.h>

#include "common/base/bf16.h"
#include "common/run/sum.h"
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
    size_t max_floats;         /* of a key */
    int max_parts, max_copies; /* copies: parts that are not lent */
    int n_slots;
    slot slots[MAX_SLOTS];

    /* of the step: every worker's cover, left to right */
    pt_subtree *trees; /* [max_parts] */
    int *worker;       /* [max_parts]: who sends it */
    int *index;        /* [max_parts]: its number in the worker's cover */
    bool *full;        /* [max_parts]: it has images */
    int *copy;         /* [max_parts]: its place among the copies; LENT: it has none */
    void **values;     /* [max_parts] */
    int n_parts;
    size_t adding;  /* floats of the key whose tree is being finished */
    double seconds; /* CPU time of sums so far */
};

static size_t largest_key(const pt_run *run)
{
    size_t max = 1;

    for (int k = 0; k < run->keys->n; k++)
        if (run->keys->keys[k].count > max) max = run->keys->keys[k].count;
    return max;
}

/* Parts of a key; *copies: those that server `rank` must have buffers for. */
static int count_parts(const pt_run *run, int rank, int *copies)
{
    int n = 0;

    *copies = 0;
    for (int w = 0; w < run->n_workers; w++) {
        pt_subtree cover[PT_MAX_COVER];
        int lo, hi, some;

        pt_worker_shards(w, run->n_workers, run->plan->n_shards, &lo, &hi);
        some = pt_tree_cover(lo, hi, run->plan->n_shards, cover);
        n += some;
        if (!pt_run_lends(run, rank, run->n_servers + w)) *copies += some;
    }
    return n;
}

static int slots_for(size_t copies_bytes)
{
    size_t n = copies_bytes > 0 ? SLOT_BUDGET / copies_bytes : MAX_SLOTS;

    return n < 2 ? 2 : n > MAX_SLOTS ? MAX_SLOTS : (int)n;
}

size_t pt_gather_bytes(const pt_run *run, int rank)
{
    size_t one;
    int copies;

    count_parts(run, rank, &copies);
    one = largest_key(run) * sizeof(float) * (size_t)copies;
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
    free(p->trees);
    free(p->worker);
    free(p->index);
    free(p->full);
    free(p->copy);
    free(p->values);
    free(p);
    *g = NULL;
}

pt_status pt_gather_create(pt_run *run, pt_comm *comm, pt_gather **out)
{
    pt_gather *g = pt_calloc(1, sizeof *g);
    bool ok;

    *out = NULL;
    if (!g) return pt_fail(PT_ERR_NOMEM, "no memory for the sums");
    g->run = run;
    g->comm = comm;
    g->max_floats = (largest_key(run) + 15) / 16 * 16;
    g->max_parts = count_parts(run, comm->rank, &g->max_copies);
    g->n_slots = slots_for(largest_key(run) * sizeof(float) * (size_t)g->max_copies);
    g->trees = pt_calloc((size_t)g->max_parts, sizeof *g->trees);
    g->worker = pt_calloc((size_t)g->max_parts, sizeof *g->worker);
    g->index = pt_calloc((size_t)g->max_parts, sizeof *g->index);
    g->full = pt_calloc((size_t)g->max_parts, sizeof *g->full);
    g->copy = pt_calloc((size_t)g->max_parts, sizeof *g->copy);
    g->values = pt_calloc((size_t)g->max_parts, sizeof *g->values);
    ok = g->trees && g->worker && g->index && g->full && g->copy && g->values;
    for (int i = 0; i < g->n_slots; i++) {
        slot *s = &g->slots[i];

        s->buffer =
            pt_calloc(pt_mul((size_t)g->max_copies, g->max_floats), sizeof(float));
        s->requests = pt_calloc((size_t)g->max_parts, sizeof *s->requests);
        ok = ok && (s->buffer || g->max_copies == 0) && s->requests;
    }
    if (!ok) {
        pt_gather_destroy(&g);
        return pt_fail(PT_ERR_NOMEM, "no memory for the sums (%zu bytes)",
                       pt_gather_bytes(run, comm->rank));
    }
    *out = g;
    return PT_OK;
}

static void enter_step(pt_gather *g, uint64_t step)
{
    int copies = 0;

    g->n_parts = 0;
    for (int w = 0; w < g->run->n_workers; w++) {
        pt_span span = pt_run_span(g->run, w, step);
        bool lends = pt_run_lends(g->run, g->comm->rank, g->run->n_servers + w);
        pt_subtree cover[PT_MAX_COVER];
        int n_full, n = pt_span_cover(&span, cover, &n_full);

        for (int i = 0; i < n; i++, g->n_parts++) {
            g->trees[g->n_parts] = cover[i];
            g->worker[g->n_parts] = w;
            g->index[g->n_parts] = i;
            g->full[g->n_parts] = pt_node_size(&span, cover[i].level, cover[i].index) > 0;
            g->copy[g->n_parts] = lends ? LENT : copies++;
        }
    }
}

static void add_floats(void *context, void *into, const void *from)
{
    const pt_gather *g = context;

    pt_sum_add(into, from, g->adding);
}

static void add_bf16(void *context, void *into, const void *from)
{
    const pt_gather *g = context;

    pt_bf16_add(into, from, g->adding);
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

    for (int p = 0; p < g->n_parts; p++) {
        pt_status st;

        if (!g->full[p]) continue;
        st = pt_comm_borrow(g->comm, g->run->n_servers + g->worker[p], PT_MSG_PUSH,
                            key * PT_MSG_COVERS + g->index[p], arrival(g, s, p, k->count),
                            part_bytes(g, p, k->count), &s->requests[p]);
        if (st != PT_OK) return st;
    }
    return PT_OK;
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
    for (int p = 0; p < g->n_parts; p++)
        g->values[p] = g->full[p] ? part(g, s, p, count) : NULL;
}

/* The sum of values [n_parts], which are overwritten. */
static const float *finish(pt_gather *g, size_t count)
{
    double start = pt_cpu_clock();
    const float *sum;

    g->adding = count;
    sum = pt_tree_finish(g->run->plan->n_shards, g->trees, g->values, g->n_parts,
                         pt_run_wire_bf16(g->run) ? add_bf16 : add_floats, g);
    g->seconds += pt_cpu_clock() - start;
    return sum;
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
        if (s == PT_OK) s = pt_comm_wait(g->comm, t->requests, (size_t)g->n_parts);
        pt_trace_until_now(g->run->trace, PT_TRACE_GATHER, keys[k], start);
        if (s == PT_OK) s = done(context, keys[k], aggregate(g, t, keys[k]));
    }
    return s;
}

pt_status pt_gather_probe(pt_gather *g, uint64_t step, int tensor, int which,
                          double *norm)
{
    size_t count = g->run->graph->tensors[tensor].count;
    float *buffer;
    pt_request *r = pt_calloc((size_t)g->max_parts, sizeof *r);
    const float *sum;
    double square = 0;
    pt_status s = PT_OK;

    enter_step(g, step);
    buffer = pt_calloc(pt_mul((size_t)g->n_parts, count), sizeof *buffer);
    if (!buffer || !r)
        s = pt_fail(PT_ERR_NOMEM, "no memory for the diagnostic gradients");
    for (int p = 0; p < g->n_parts && s == PT_OK; p++)
        if (g->full[p])
            s = pt_comm_recv(g->comm, g->run->n_servers + g->worker[p], PT_MSG_PROBE,
                             which * PT_MSG_COVERS + g->index[p],
                             buffer + (size_t)p * count, count * sizeof *buffer, &r[p]);
    if (s == PT_OK) s = pt_comm_wait(g->comm, r, (size_t)g->n_parts);
    if (s == PT_OK) {
        for (int p = 0; p < g->n_parts; p++)
            g->values[p] = g->full[p] ? buffer + (size_t)p * count : NULL;
        sum = finish(g, count);
        for (size_t i = 0; i < count; i++) square += (double)sum[i] * sum[i];
        *norm = sqrt(square);
    }
    free(buffer);
    free(r);
    return s;
}
