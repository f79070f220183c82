#include "common/run/traffic.h"

#include <stdlib.h>

#include "common/comm/carrier.h"
#include "common/run/coupling.h"

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

/* A worker's gradients and its new weights: values, or their places where they are lent.
 */
static void add_keys(const count *c, int worker, const load *servers, int n_trees)
{
    const pt_run *r = c->r;
    int rank = r->n_servers + worker;

    for (int s = 0; s < r->n_servers; s++) {
        uint64_t up = servers[s].values * pt_push_bytes(r, 1),
                 down = servers[s].values * sizeof(float), n = servers[s].keys;

        if (pt_run_lends(r, s, rank)) up = down = n * PT_MSG_PLACE_BYTES;
        add(c, rank, s, (uint64_t)n_trees * up, (uint64_t)n_trees * n);
        add(c, s, rank, down, n);
    }
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
    bool votes = c->r->config->run->nonfinite == PT__CONFIG__NON_FINITE__SKIP_ALL;
    uint64_t n = c->step + 1 == c->r->plan->total_steps ? 2 : 1;

    add(c, RANK_0, server, n * PT_RECORD_BYTES, n);
    add(c, server, RANK_0, n * sizeof(pt_server_report), n);
    if (!votes) return;
    add(c, RANK_0, server, sizeof(int32_t), 1);
    add(c, server, RANK_0, sizeof(int32_t), 1);
}

pt_status pt_traffic_of_places(const pt_run *r, uint64_t step, const int *place,
                               pt_traffic *out)
{
    const count c = {r, step, place, out};
    bool sync = r->config->network->batch_norm == PT__CONFIG__BATCH_NORM__SYNC;
    load *servers = pt_calloc((size_t)r->n_servers, sizeof *servers);
    pt_members m;

    if (!servers) return pt_fail(PT_ERR_NOMEM, "no memory to count the bytes of a step");
    fill_loads(r, servers);
    pt_run_members(r, step, &m);
    for (int s = 1; s < r->n_servers; s++) add_server(&c, s);
    for (int w = 0; w < r->n_workers; w++) {
        pt_payload p = pt_payload_layout(r, w, step);

        add_keys(&c, w, servers, p.n_trees);
        add_record(&c, w, &p);
        if (sync) add_exchanges(&c, w, &m);
    }
    free(servers);
    return PT_OK;
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
