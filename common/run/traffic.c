#include "common/run/traffic.h"

#include <stdlib.h>

#include "common/comm/carrier.h"
#include "common/run/coupling.h"
#include "common/run/factors.h"

enum { RANK_0 = 0 };

typedef struct {
    const pt_run *r;
    uint64_t step;
    const int *place; /* NULL: each rank is one */
    pt_traffic *out;
} count;

/* n messages of `bytes` together from one rank to another. */
static void add(const count *c, int from, int to, uint64_t bytes, uint64_t n)
{
    int a = c->place ? c->place[from] : from, b = c->place ? c->place[to] : to;

    if (a == b) return;
    c->out[a].sent += bytes + n * PT_MSG_CHECK_BYTES;
    c->out[b].received += bytes + n * PT_MSG_CHECK_BYTES;
}

/* What a server's trained keys have: parameters, keys. */
typedef struct {
    uint64_t values, keys;
} load;

static void fill_loads(const pt_run *r, load *of)
{
    for (int k = 0; k < r->keys->n; k++) {
        const pt_key *key = &r->keys->keys[k];

        if (!r->trained[key->tensor]) continue;
        of[key->server].values += key->count;
        of[key->server].keys++;
    }
}

/* Gradients, n_trees messages a key, and new weights between a worker and another rank;
 * lent: only their places. */
static void add_values(const count *c, int worker, int other, load up, load down,
                       int n_trees, bool lent)
{
    int rank = c->r->n_servers + worker;
    uint64_t n = (uint64_t)n_trees, sent = up.values * pt_push_bytes(c->r, 1),
             received = down.values * sizeof(float);

    if (lent) {
        sent = up.keys * PT_MSG_PLACE_BYTES;
        received = down.keys * PT_MSG_PLACE_BYTES;
    }
    add(c, rank, other, n * sent, n * up.keys);
    add(c, other, rank, received, down.keys);
}

/* Sub-trees with images in the cover of a sender's shards. */
static int trees_of(const count *c, const pt_sender *s)
{
    pt_span span = pt_sender_span(c->r, s, c->step);
    pt_subtree cover[PT_MAX_COVER];
    int n;

    pt_span_cover(&span, cover, &n);
    return n;
}

/* A key of a host's workers: between them and its home, between that and the server. */
static void add_key(const count *c, const pt_sender *s, int key)
{
    const pt_key *k = &c->r->keys->keys[key];
    int home = pt_sender_rank(c->r, s, key);
    load one = {.values = k->count, .keys = 1}, up = one;

    if (pt_sender_factors(c->r, s, k->server, k->tensor)) up = (load){0};
    for (int w = s->first; w < s->first + s->n; w++)
        if (c->r->n_servers + w != home)
            add_values(c, w, home, up, one, trees_of(c, &(pt_sender){w, 1}), true);
    add_values(c, home - c->r->n_servers, k->server, up, one, trees_of(c, s), false);
}

/* The factors of one tensor, from each worker of a sender. */
static void add_factors(const count *c, const pt_sender *s, int server,
                        const pt_factors *f)
{
    for (int w = s->first; w < s->first + s->n; w++) {
        pt_span span = pt_run_span(c->r, w, c->step);
        uint64_t n = (uint64_t)pt_span_images(&span);

        if (n > 0)
            add(c, c->r->n_servers + w, server, n * pt_factors_floats(f) * sizeof(float),
                1);
    }
}

/* All factors that a sender's workers send server; returns which sums are left of l. */
static load add_all_factors(const count *c, const pt_sender *s, int server, load l)
{
    for (int t = 0; t < c->r->graph->n_params; t++) {
        pt_factors f;

        if (!c->r->trained[t] || !pt_sender_factors(c->r, s, server, t)) continue;
        f = pt_factors_of(c->r, server, t);
        add_factors(c, s, server, &f);
        l.values -= f.values;
        l.keys -= f.keys;
    }
    return l;
}

static void add_keys(const count *c, int server, load l, const pt_sender *senders, int n)
{
    const pt_run *r = c->r;

    for (int i = 0; i < n; i++) {
        const pt_sender *s = &senders[i];
        load up = add_all_factors(c, s, server, l);

        if (s->n == 1) {
            bool lent = pt_run_lends(r, server, r->n_servers + s->first);

            add_values(c, s->first, server, up, l, trees_of(c, s), lent);
            continue;
        }
        for (int k = 0; k < r->keys->n; k++)
            if (r->keys->keys[k].server == server && r->trained[r->keys->keys[k].tensor])
                add_key(c, s, k);
    }
}

/* All gradients and new weights. */
static pt_status add_all_keys(const count *c)
{
    const pt_run *r = c->r;
    load *loads = pt_calloc((size_t)r->n_servers, sizeof *loads);
    pt_sender *senders = pt_calloc((size_t)r->n_workers, sizeof *senders);

    if (loads && senders) {
        fill_loads(r, loads);
        for (int s = 0; s < r->n_servers; s++)
            add_keys(c, s, loads[s], senders, pt_run_senders(r, s, senders));
    }
    free(loads);
    free(senders);
    return loads && senders
               ? PT_OK
               : pt_fail(PT_ERR_NOMEM, "no memory to count the bytes of a step");
}

/* Between a worker and rank 0 alone. */
static void add_record(const count *c, int worker, const pt_payload *p)
{
    const pt_run *r = c->r;
    int rank = r->n_servers + worker;
    uint64_t terms = pt_terms_doubles(r, p->n_images);

    add(c, rank, RANK_0, p->total * sizeof(double), 1);
    add(c, RANK_0, rank, PT_RECORD_BYTES, 1);
    if (terms > 0) add(c, RANK_0, rank, terms * sizeof(double), 1);
    if (pt_run_sends_running(r, c->step))
        add(c, RANK_0, rank, pt_traffic_of_running(r), 0);
}

/* What a worker sends to others for batch norm. */
static void add_exchanges(const count *c, int worker, const pt_members *m)
{
    uint64_t exchanges, doubles = pt_exchange_doubles(c->r, &exchanges);
    pt_move moves[PT_MAX_MOVES];
    int n = pt_members_moves(m, worker, moves);

    for (int i = 0; i < n; i++) {
        uint64_t values = (uint64_t)pt_members_values(m, moves[i].lo, moves[i].hi);

        if (!moves[i].receives)
            add(c, c->r->n_servers + worker, c->r->n_servers + moves[i].peer,
                values * doubles * sizeof(double), exchanges);
    }
}

/* Between rank 0 and another server: record and report, after the last step once more;
 * votes. */
static void add_server(const count *c, int server)
{
    size_t vote = pt_run_vote_doubles(c->r, server);
    uint64_t n = c->step + 1 == c->r->plan->total_steps ? 2 : 1;

    add(c, RANK_0, server, n * PT_RECORD_BYTES, n);
    add(c, server, RANK_0, n * sizeof(pt_server_report), n);
    if (!pt_run_holds(c->r)) return;
    add(c, RANK_0, server, PT_VERDICT_DOUBLES * sizeof(double), 1);
    add(c, server, RANK_0, vote * sizeof(double), 1);
}

pt_status pt_traffic_of_places(const pt_run *r, uint64_t step, const int *place,
                               pt_traffic *out)
{
    const count c = {r, step, place, out};
    bool sync = r->config->network->batch_norm == PT__CONFIG__BATCH_NORM__SYNC;
    pt_members m;

    pt_run_members(r, step, &m);
    for (int s = 1; s < r->n_servers; s++) add_server(&c, s);
    for (int w = 0; w < r->n_workers; w++) {
        pt_payload p = pt_payload_layout(r, w, step);

        add_record(&c, w, &p);
        if (sync) add_exchanges(&c, w, &m);
    }
    return add_all_keys(&c);
}

double pt_traffic_seconds(const pt_traffic *t, int n, double bytes_per_s)
{
    uint64_t most = 0;

    for (int i = 0; i < n; i++) {
        if (t[i].sent > most) most = t[i].sent;
        if (t[i].received > most) most = t[i].received;
    }
    return (double)most / bytes_per_s;
}
