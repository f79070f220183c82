/* The keys of one server pass through four stages, each in the same order, roughly that
 * in which backward passes finish them: a poll tests the next message of each stage, and
 * not all that are under way.
 *
 *     merged   every worker of the host has lent its parts; what they merge into was sent
 *              (of a key whose factors the workers send: at once, there is nothing)
 *     left     it has left, and the new weights may come into the memory of this worker's
 *              first part, which may be what was sent
 *     came     the weights are here and are lent to the others
 *     lent     the others have been told */
#include "worker/home.h"

#include <limits.h>
#include <stdlib.h>

#include "common/base/bf16.h"
#include "common/run/factors.h"
#include "common/run/tiles.h"
#include "common/run/trace.h"
#include "common/run/window.h"
#include "common/run/wire.h"

typedef struct {
    int key;
    bool factors; /* workers send the server those: there are no sums to merge */
    bool ready;   /* this worker's own sums are */
    bool posted;
    bool came;
    pt_request *parts; /* [tiles.max]: what the others lend */
    pt_request *push;  /* [n_cover]: to the server */
    pt_request *pull;
    pt_request *lend; /* [host.n - 1] */
} duty;

/* Duties for the keys of one server: how many have passed each stage. */
typedef struct {
    duty **list; /* [n]: those of the step */
    int n, merged, left, came, lent;
    int window; /* merged, but not come: at most so many */
} lane;

struct pt_home {
    const pt_run *run;
    pt_comm *comm;
    pt_net *net;
    pt_spans *spans;
    int worker;
    pt_sender host; /* the workers of this host */
    pt_tiles tiles; /* theirs, each a sender */
    int n_cover;    /* sub-trees of the host's cover */
    int *peers;     /* [host.n - 1]: the ranks of the others */
    duty *duties;   /* [n] */
    int n;
    duty **of_key; /* [n_keys]; NULL: this worker is not the key's home */
    duty **lists;  /* [n]: memory of the lanes' lists */
    lane *lanes;   /* [n_servers] */
    pt_request *requests;
};

/* ---- what can be done now ---------------------------------------------------------- */

static const pt_key *key_of(const pt_home *h, const duty *d)
{
    return &h->run->keys->keys[d->key];
}

static int rank_of(const pt_home *h, int sender)
{
    return h->run->n_servers + h->tiles.senders[sender].first;
}

static bool is_own(const pt_home *h, int tile)
{
    return rank_of(h, h->tiles.sender[tile]) == h->comm->rank;
}

/* This worker's sum of a key over sub-tree t of its own cover. */
static float *own(const pt_home *h, const duty *d, int t)
{
    const pt_key *k = key_of(h, d);

    return pt_net_gradient(h->net, k->tensor, t) +
           (k->offset - h->run->graph->tensors[k->tensor].offset);
}

static pt_status post_parts(pt_home *h, duty *d)
{
    pt_status s = PT_OK;

    for (int i = 0; i < h->tiles.n && s == PT_OK; i++)
        if (h->tiles.full[i] && !is_own(h, i))
            s = pt_comm_borrow(h->comm, rank_of(h, h->tiles.sender[i]), PT_MSG_PUSH,
                               d->key * PT_MSG_COVERS + h->tiles.index[i], NULL,
                               key_of(h, d)->count * sizeof(float), &d->parts[i]);
    d->posted = true;
    return s;
}

/* Part i of what the server gets. */
static pt_status push(pt_home *h, duty *d, int i, float *sum)
{
    size_t count = key_of(h, d)->count;

    if (pt_run_wire_bf16(h->run)) pt_bf16_pack(sum, count, (uint16_t *)(void *)sum);
    pt_spans_push(h->spans, (size_t)d->key * PT_MAX_COVER + (size_t)i);
    return pt_comm_send(h->comm, key_of(h, d)->server, PT_MSG_PUSH,
                        d->key * PT_MSG_COVERS + i, sum, pt_push_bytes(h->run, count),
                        &d->push[i]);
}

/* All parts are here. */
static pt_status merge(pt_home *h, duty *d)
{
    pt_tiles *t = &h->tiles;
    double start = pt_trace_clock(h->run->trace);
    void *sums[PT_MAX_COVER];
    pt_status s = PT_OK;
    int n;

    for (int i = 0; i < t->n; i++)
        t->values[i] = !t->full[i]    ? NULL
                       : is_own(h, i) ? (void *)own(h, d, t->index[i])
                                      : d->parts[i].data;
    n = pt_tiles_merge(t, key_of(h, d)->count, sums);
    pt_trace_until_now(h->run->trace, PT_TRACE_AGGREGATE, d->key, start);
    for (int i = 0; i < n && s == PT_OK; i++)
        if (sums[i]) s = push(h, d, i, sums[i]);
    return s;
}

/* What was pushed has left, so its memory is free. */
static pt_status ask(pt_home *h, duty *d)
{
    for (int i = 0; i < h->n_cover; i++)
        pt_spans_left(h->spans, (size_t)d->key * PT_MAX_COVER + (size_t)i);
    return pt_comm_recv(h->comm, key_of(h, d)->server, PT_MSG_PULL, d->key, own(h, d, 0),
                        key_of(h, d)->count * sizeof(float), d->pull);
}

/* New weights are here. */
static pt_status lend(pt_home *h, duty *d)
{
    d->came = true;
    return pt_comm_lend_all(h->comm, h->peers, h->host.n - 1, PT_MSG_PULL, d->key,
                            own(h, d, 0), key_of(h, d)->count * sizeof(float), d->lend);
}

/* Have all of r [n] completed? */
static pt_status test_all(pt_home *h, pt_request *r, int n, bool *done)
{
    pt_status s = PT_OK;

    *done = true;
    for (int i = 0; i < n && s == PT_OK && *done; i++)
        s = pt_comm_test(h->comm, &r[i], done);
    return s;
}

static pt_status try_merge(pt_home *h, duty *d, bool *done)
{
    pt_status s = d->posted || d->factors ? PT_OK : post_parts(h, d);

    *done = d->ready;
    if (d->factors) return PT_OK;
    if (s == PT_OK && *done) s = test_all(h, d->parts, h->tiles.n, done);
    return s == PT_OK && *done ? merge(h, d) : s;
}

static pt_status try_ask(pt_home *h, duty *d, bool *done)
{
    pt_status s = test_all(h, d->push, h->n_cover, done);

    return s == PT_OK && *done ? ask(h, d) : s;
}

static pt_status try_lend(pt_home *h, duty *d, bool *done)
{
    pt_status s;

    *done = d->came;
    if (*done) return PT_OK;
    s = test_all(h, d->pull, 1, done);
    return s == PT_OK && *done ? lend(h, d) : s;
}

static pt_status try_end(pt_home *h, duty *d, bool *done)
{
    return test_all(h, d->lend, h->host.n - 1, done);
}

/* Brings one stage of a lane forward, to `limit` at most. */
static pt_status advance(pt_home *h, lane *l, int *at, int limit,
                         pt_status (*try)(pt_home *h, duty *d, bool *done), bool *moved)
{
    bool done = true;
    pt_status s = PT_OK;

    while (*at < limit && s == PT_OK && done) {
        s = try(h, l->list[*at], &done);
        if (s != PT_OK || !done) break;
        ++*at;
        *moved = true;
    }
    return s;
}

static pt_status advance_lane(pt_home *h, lane *l, bool *moved)
{
    int room = l->n - l->came < l->window ? l->n : l->came + l->window;
    pt_status s = advance(h, l, &l->merged, room, try_merge, moved);

    if (s == PT_OK) s = advance(h, l, &l->left, l->merged, try_ask, moved);
    if (s == PT_OK) s = advance(h, l, &l->came, l->left, try_lend, moved);
    return s == PT_OK ? advance(h, l, &l->lent, l->came, try_end, moved) : s;
}

pt_status pt_home_poll(pt_home *h, bool *moved)
{
    pt_status s = PT_OK;

    *moved = false;
    for (int i = 0; i < h->run->n_servers && s == PT_OK; i++)
        if (h->lanes[i].lent < h->lanes[i].n) s = advance_lane(h, &h->lanes[i], moved);
    return s;
}

/* ---- a step ------------------------------------------------------------------------ */

bool pt_home_has(const pt_home *h, int key)
{
    return h->of_key[key] != NULL;
}

void pt_home_ready(pt_home *h, int key)
{
    h->of_key[key]->ready = true;
}

static pt_status settle(pt_home *h, const lane *l)
{
    pt_status s = PT_OK;

    PT_CHECK(l->came == l->n, "a step begins with %d of %d keys of the host's workers",
             l->came, l->n);
    for (int i = l->lent; i < l->n && s == PT_OK; i++)
        s = pt_comm_wait(h->comm, l->list[i]->lend, (size_t)h->host.n - 1);
    return s;
}

pt_status pt_home_begin(pt_home *h, uint64_t step)
{
    pt_span span = pt_run_span(h->run, h->worker, step);
    bool images = pt_span_images(&span) > 0;
    pt_status s = PT_OK;

    for (int i = 0; i < h->run->n_servers && s == PT_OK; i++) {
        lane *l = &h->lanes[i];

        s = settle(h, l);
        *l = (lane){.list = l->list, .window = l->window};
    }
    pt_tiles_enter(&h->tiles, step);
    for (int i = 0; i < h->n; i++) {
        duty *d = &h->duties[i];
        lane *l = &h->lanes[key_of(h, d)->server];

        d->posted = d->came = false;
        d->ready = !images;
        if (h->run->trained[key_of(h, d)->tensor]) l->list[l->n++] = d;
    }
    return s;
}

/* What the lane of d, whose weights have not come, waits for. */
static pt_request *awaited(const pt_home *h, const lane *l, duty *d, size_t *n)
{
    *n = 1;
    if (d->pull->active) return d->pull;
    if (l->left == l->merged && l->merged - l->came == l->window)
        return l->list[l->came]->pull;
    *n = (size_t)h->n_cover;
    if (l->left < l->merged) return l->list[l->left]->push;
    PT_CHECK(l->merged < l->n && l->list[l->merged]->ready,
             "key %d: its host's workers wait for sums of this one", d->key);
    *n = (size_t)h->tiles.n;
    return l->list[l->merged]->parts;
}

pt_status pt_home_wait(pt_home *h, int key, const float **weights)
{
    duty *d = h->of_key[key];
    lane *l = &h->lanes[key_of(h, d)->server];
    bool moved;
    pt_status s = advance_lane(h, l, &moved);

    while (s == PT_OK && !d->came) {
        size_t n;
        pt_request *r = awaited(h, l, d, &n);

        s = pt_comm_wait(h->comm, r, n);
        if (s == PT_OK && r == d->pull && !d->came) s = lend(h, d);
        if (s == PT_OK) s = advance_lane(h, l, &moved);
    }
    *weights = own(h, d, 0);
    return s;
}

/* ---- creation ---------------------------------------------------------------------- */

static int count_duties(const pt_run *run, int worker)
{
    int n = 0;

    for (int k = 0; k < run->keys->n; k++)
        n += pt_run_home(run, worker, k) == run->n_servers + worker;
    return n;
}

static pt_status init_tiles(pt_home *h)
{
    h->n_cover = pt_sender_parts(h->run, &h->host);
    return pt_tiles_init_each(&h->tiles, h->run, h->host);
}

/* Requests of a duty. */
static size_t requests_of(const pt_home *h)
{
    return (size_t)(h->tiles.max + h->n_cover + 1 + h->host.n - 1);
}

size_t pt_home_bytes(const pt_run *run, int worker)
{
    pt_home h = {.run = run, .host = pt_run_sharing(run, worker)};
    size_t n = 0;

    if (init_tiles(&h) == PT_OK)
        n = (size_t)count_duties(run, worker) * requests_of(&h) * sizeof(pt_request);
    pt_tiles_fini(&h.tiles);
    return n;
}

static void init_duty(pt_home *h, int i, int key)
{
    pt_request *r = h->requests + (size_t)i * requests_of(h);
    const pt_key *k = &h->run->keys->keys[key];

    h->duties[i] =
        (duty){.key = key,
               .factors = pt_worker_factors(h->run, h->worker, k->server, k->tensor),
               .parts = r,
               .push = r + h->tiles.max,
               .pull = r + h->tiles.max + h->n_cover,
               .lend = r + h->tiles.max + h->n_cover + 1};
    h->of_key[key] = &h->duties[i];
}

/* Duties in the order of backward passes, and the places of each server's list. */
static void init_duties(pt_home *h)
{
    int n = 0, before = 0;

    for (int k = h->run->keys->n - 1; k >= 0; k--)
        if (pt_run_home(h->run, h->worker, k) == h->comm->rank) init_duty(h, n++, k);
    for (int s = 0; s < h->run->n_servers; s++) {
        h->lanes[s].list = h->lists + before;
        h->lanes[s].window = h->comm->unasked ? pt_window_pushes(h->run, s) : INT_MAX;
        for (int i = 0; i < n; i++) before += key_of(h, &h->duties[i])->server == s;
    }
    for (int i = 0, w = h->host.first; w < h->host.first + h->host.n; w++)
        if (w != h->worker) h->peers[i++] = h->run->n_servers + w;
}

static pt_status allocate(pt_home *h)
{
    size_t n = (size_t)h->n;

    h->duties = pt_calloc(n + 1, sizeof *h->duties);
    h->lists = pt_calloc(n + 1, sizeof(duty *));
    h->requests = pt_calloc(pt_mul(n + 1, requests_of(h)), sizeof *h->requests);
    h->of_key = pt_calloc((size_t)h->run->keys->n, sizeof(duty *));
    h->lanes = pt_calloc((size_t)h->run->n_servers, sizeof *h->lanes);
    h->peers = pt_calloc((size_t)h->host.n, sizeof *h->peers);
    return h->duties && h->lists && h->requests && h->of_key && h->lanes && h->peers
               ? PT_OK
               : pt_fail(PT_ERR_NOMEM, "no memory for the sums of a host's workers");
}

void pt_home_destroy(pt_home **h)
{
    pt_home *p = h ? *h : NULL;

    if (!p) return;
    pt_tiles_fini(&p->tiles);
    free(p->duties);
    free(p->lists);
    free(p->requests);
    free(p->of_key);
    free(p->lanes);
    free(p->peers);
    free(p);
    *h = NULL;
}

pt_status pt_home_create(const pt_run *run, pt_comm *comm, pt_net *net, pt_spans *spans,
                         int worker, pt_home **out)
{
    pt_home *h = pt_calloc(1, sizeof *h);
    pt_status s;

    *out = NULL;
    if (!h) return pt_fail(PT_ERR_NOMEM, "no memory for a host's workers");
    *h = (pt_home){.run = run,
                   .comm = comm,
                   .net = net,
                   .spans = spans,
                   .worker = worker,
                   .host = pt_run_sharing(run, worker),
                   .n = count_duties(run, worker)};
    s = init_tiles(h);
    if (s == PT_OK) s = allocate(h);
    if (s == PT_OK) {
        init_duties(h);
        *out = h;
        h = NULL;
    }
    pt_home_destroy(&h);
    return s;
}
