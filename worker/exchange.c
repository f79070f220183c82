#include "worker/exchange.h"

#include <stdlib.h>
#include <string.h>

#include "common/comm/message.h"
#include "common/run/wire.h"

/* Lists that meet in one round: a worker's own, and one for each halving of the workers
 * of its host. */
enum { MAX_LISTS = PT_MAX_LEVELS };

struct pt_exchange {
    const pt_run *run;
    pt_comm *comm;
    int worker;
    size_t max_values, max_len;
    double *list; /* [max_values][max_len]: the worker's list; what a round receives */
    double *next; /* the same size: becomes `list` after the round */

    /* This step. */
    pt_span span;
    pt_members members;
    pt_move moves[PT_MAX_MOVES];
    int n_moves;

    /* This exchange. */
    int index;
    size_t len;
    pt_tree_add add;
    int at, end; /* moves of the round under way; at == n_moves: all is done */
    int lo, hi;  /* shards of the worker's list */
    int n_values;
    pt_request requests[PT_MAX_MOVES];
};

/* ---- lists ------------------------------------------------------------------------- */

/* Lists that tile a run of shards, as pt_tree_merge takes them. */
typedef struct {
    pt_subtree trees[MAX_LISTS * PT_MAX_COVER];
    void *values[MAX_LISTS * PT_MAX_COVER];
    int n;
} tiles;

/* Adds the list of shards [lo, hi), whose values are one after another; returns their
 * number. */
static int add_list(const pt_exchange *x, tiles *t, int lo, int hi, double *values)
{
    pt_subtree *cover = &t->trees[t->n];
    int n, used = 0;

    PT_CHECK(t->n + PT_MAX_COVER <= MAX_LISTS * PT_MAX_COVER, "more than %d lists meet",
             MAX_LISTS);
    n = pt_tree_cover(lo, hi, x->members.n_shards, cover);
    for (int i = 0; i < n; i++) {
        bool full = pt_node_size(&x->span, cover[i].level, cover[i].index) > 0;

        t->values[t->n++] = full ? values + (size_t)used * x->len : NULL;
        used += full;
    }
    return used;
}

/* Makes them the worker's list, of shards [lo, hi). */
static void take_lists(pt_exchange *x, const tiles *t, int lo, int hi)
{
    void *merged[PT_MAX_COVER];
    double *old = x->list;
    int n = pt_tree_merge(lo, hi, x->members.n_shards, t->trees, t->values, t->n, x->add,
                          &x->len, merged);

    x->lo = lo;
    x->hi = hi;
    x->n_values = 0;
    for (int i = 0; i < n; i++)
        if (merged[i])
            memcpy(x->next + (size_t)x->n_values++ * x->len, merged[i],
                   x->len * sizeof *x->next);
    x->list = x->next;
    x->next = old;
}

/* The list that the worker begins with: its own shards, and those beside them whose
 * owners have no images. */
static void take_own(pt_exchange *x, const double *parts)
{
    const pt_members *m = &x->members;
    tiles t = {.n = 0};
    int me = 0, used;

    while (m->worker[me] != x->worker) me++;
    add_list(x, &t, m->first[me], x->span.lo, NULL);
    used = add_list(x, &t, x->span.lo, x->span.hi, x->list);
    add_list(x, &t, x->span.hi, m->first[me + 1], NULL);
    memcpy(x->list, parts, (size_t)used * x->len * sizeof *parts);
    take_lists(x, &t, m->first[me], m->first[me + 1]);
}

/* ---- rounds ------------------------------------------------------------------------ */

/* Posts the moves of the next round. Lists that are received stand behind the worker's
 * own. */
static pt_status begin_round(pt_exchange *x)
{
    int at = x->n_values;
    pt_status s = PT_OK;

    for (x->end = x->at; x->end < x->n_moves && s == PT_OK; x->end++) {
        const pt_move *m = &x->moves[x->end];
        int peer = x->run->n_servers + m->peer, n = x->n_values;
        pt_request *r = &x->requests[x->end];

        if (m->round != x->moves[x->at].round) break;
        if (m->receives) n = pt_members_values(&x->members, m->lo, m->hi);

        size_t bytes = (size_t)n * x->len * sizeof(double);

        PT_CHECK(!m->receives || (size_t)(at + n) <= x->max_values,
                 "%d of %zu values of batch norm", at + n, x->max_values);
        if (m->receives)
            s = pt_comm_recv(x->comm, peer, PT_MSG_MOMENTS, x->index,
                             x->list + (size_t)at * x->len, bytes, r);
        else
            s = pt_comm_send(x->comm, peer, PT_MSG_MOMENTS, x->index, x->list, bytes, r);
        at += m->receives ? n : 0;
    }
    return s;
}

/* All moves of the round have ended: what came joins the worker's list. */
static pt_status end_round(pt_exchange *x)
{
    double *from = x->list + (size_t)x->n_values * x->len;
    int lo = x->lo, hi = x->hi;
    tiles t = {.n = 0};
    bool own = false; /* has the worker's own list been added, or replaced? */

    for (; x->at < x->end; x->at++) {
        const pt_move *m = &x->moves[x->at];

        if (!m->receives) continue;
        if (!own && m->lo > x->lo) add_list(x, &t, x->lo, x->hi, x->list);
        own = own || m->hi > x->lo;
        from += (size_t)add_list(x, &t, m->lo, m->hi, from) * x->len;
        lo = m->lo < lo ? m->lo : lo;
        hi = m->hi > hi ? m->hi : hi;
    }
    if (t.n > 0 && !own) add_list(x, &t, x->lo, x->hi, x->list);
    if (t.n > 0) take_lists(x, &t, lo, hi);
    return begin_round(x);
}

void pt_exchange_at(pt_exchange *x, uint64_t step)
{
    x->span = pt_run_span(x->run, x->worker, step);
    pt_run_members(x->run, step, &x->members);
    x->n_moves = pt_members_moves(&x->members, x->worker, x->moves);
    x->at = x->end = x->n_moves;
}

pt_status pt_exchange_begin(pt_exchange *x, int node, bool backward, const double *parts,
                            size_t len, pt_tree_add add)
{
    PT_CHECK(x->at == x->n_moves && len <= x->max_len,
             "batch norm of node %d while another is under way, or of %zu doubles", node,
             len);
    x->index = node * 2 + (backward ? 1 : 0);
    x->len = len;
    x->add = add;
    x->at = 0;
    take_own(x, parts);
    return begin_round(x);
}

pt_status pt_exchange_poll(pt_exchange *x)
{
    pt_status s = PT_OK;

    while (s == PT_OK && x->at < x->n_moves) {
        bool done = true;

        for (int i = x->at; i < x->end && s == PT_OK && done; i++)
            s = pt_comm_test(x->comm, &x->requests[i], &done);
        if (s != PT_OK || !done) break;
        s = end_round(x);
    }
    return s;
}

pt_status pt_exchange_end(pt_exchange *x, const double **total)
{
    pt_status s = PT_OK;

    while (s == PT_OK && x->at < x->n_moves) {
        s = pt_comm_wait(x->comm, x->requests + x->at, (size_t)(x->end - x->at));
        if (s == PT_OK) s = end_round(x);
    }
    *total = x->list;
    return s;
}

/* ---- creation ---------------------------------------------------------------------- */

static size_t max_len(const pt_run *r)
{
    size_t max = 0;

    if (r->config->network->batch_norm != PT__CONFIG__BATCH_NORM__SYNC) return 0;
    for (int i = 0; i < r->graph->n_nodes; i++) {
        const pt_node *n = &r->graph->nodes[i];
        size_t len = n->op == PT_OP_BATCH_NORM ? pt_exchange_len(n->c, false) : 0;

        max = len > max ? len : max;
    }
    return max;
}

static size_t max_values(const pt_run *r)
{
    size_t v = (size_t)r->plan->n_shards;

    return v < MAX_LISTS * PT_MAX_COVER ? v : MAX_LISTS * PT_MAX_COVER;
}

size_t pt_exchange_bytes(const pt_run *run)
{
    return 2 * max_values(run) * max_len(run) * sizeof(double);
}

void pt_exchange_destroy(pt_exchange **x)
{
    if (!x || !*x) return;
    free((*x)->list);
    free((*x)->next);
    free(*x);
    *x = NULL;
}

pt_status pt_exchange_create(const pt_run *run, pt_comm *comm, int worker,
                             pt_exchange **out)
{
    pt_exchange *x = pt_calloc(1, sizeof *x);

    *out = NULL;
    if (!x) return pt_fail(PT_ERR_NOMEM, "no memory for batch norm's exchanges");
    x->run = run;
    x->comm = comm;
    x->worker = worker;
    x->max_values = max_values(run);
    x->max_len = max_len(run);
    x->list = pt_calloc(x->max_values * x->max_len + 1, sizeof *x->list);
    x->next = pt_calloc(x->max_values * x->max_len + 1, sizeof *x->next);
    if (!x->list || !x->next) {
        pt_exchange_destroy(&x);
        return pt_fail(PT_ERR_NOMEM, "no memory for %zu values of %zu doubles",
                       max_values(run), max_len(run));
    }
    *out = x;
    return PT_OK;
}
