#include "server/votes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/squares.h"

struct pt_votes {
    const pt_run *run;
    pt_comm *comm;
    float *held; /* [n_param_floats]: gradients of the keys, as run->flat */
    bool clips;  /* optimizer.clip_norm */
    double
        *squares; /* [n_keys]: sums of this step; rank 0: of all servers, when counted */
    double
        *message;  /* [1 + n_keys]: bad, then sums of one server's keys in their order */
    float factor;  /* of this step's gradients */
    double since;  /* the first of this step's keys was complete; 0: none is yet */
    double held_s; /* of all steps */
    int bad;       /* a key of this server whose gradient is not finite; -1: none */
};

static bool clips(const pt_run *run)
{
    return run->config->optimizer->clip_norm > 0;
}

size_t pt_votes_bytes(const pt_run *run)
{
    return pt_run_holds(run) ? run->graph->n_param_floats * sizeof(float) : 0;
}

pt_status pt_votes_create(const pt_run *run, pt_comm *comm, pt_votes **out)
{
    size_t n = (size_t)run->keys->n;
    pt_votes *v;

    *out = NULL;
    if (pt_votes_bytes(run) == 0) return PT_OK;
    v = pt_calloc(1, sizeof *v);
    if (v) {
        *v = (pt_votes){.run = run, .comm = comm, .clips = clips(run)};
        v->held = pt_calloc(run->graph->n_param_floats, sizeof *v->held);
        v->squares = pt_calloc(n, sizeof *v->squares);
        v->message = pt_calloc(1 + n, sizeof *v->message);
    }
    if (!v || !v->held || !v->squares || !v->message) {
        pt_votes_destroy(&v);
        return pt_fail(PT_ERR_NOMEM, "no memory for gradients that wait for the vote");
    }
    *out = v;
    return PT_OK;
}

void pt_votes_destroy(pt_votes **v)
{
    if (!v || !*v) return;
    free((*v)->held);
    free((*v)->squares);
    free((*v)->message);
    free(*v);
    *v = NULL;
}

void pt_votes_begin(pt_votes *v)
{
    v->bad = -1;
    v->since = 0;
    v->factor = 1;
    memset(v->squares, 0, (size_t)v->run->keys->n * sizeof *v->squares);
}

/* ---- gradients --------------------------------------------------------------------- */

static bool all_finite(const float *x, size_t n)
{
    float sum = 0; /* 0 * x is NaN exactly where x is not finite */

    for (size_t i = 0; i < n; i++) sum += 0.0f * x[i];
    return sum == 0;
}

pt_status pt_votes_hold(void *context, int key, const float *gradient)
{
    pt_votes *v = context;
    const pt_key *k = &v->run->keys->keys[key];
    bool finite;

    if (v->since == 0) v->since = pt_clock();
    memcpy(v->held + k->offset, gradient, k->count * sizeof *gradient);
    if (v->clips) v->squares[key] = pt_squares_of(gradient, k->count);
    finite = v->clips ? isfinite(v->squares[key]) : all_finite(gradient, k->count);
    if (v->bad < 0 && !finite) v->bad = key;
    return PT_OK;
}

const float *pt_votes_gradient(pt_votes *v, int key)
{
    const pt_key *k = &v->run->keys->keys[key];
    float *g = v->held + k->offset;

    for (size_t i = 0; i < k->count && v->factor < 1; i++) g[i] *= v->factor;
    return g;
}

/* ---- the vote ---------------------------------------------------------------------- */

/* To `peer`, or from it: doubles [n] of `message`, in one of the two directions. */
static pt_status trade(pt_votes *v, int peer, bool to_rank_0, size_t n)
{
    bool sends = to_rank_0 != (v->comm->rank == 0);
    size_t bytes = n * sizeof *v->message;
    pt_request r = {0};
    pt_status s =
        sends
            ? pt_comm_send(v->comm, peer, PT_MSG_VOTE, !to_rank_0, v->message, bytes, &r)
            : pt_comm_recv(v->comm, peer, PT_MSG_VOTE, !to_rank_0, v->message, bytes, &r);

    return s == PT_OK ? pt_comm_wait(v->comm, &r, 1) : s;
}

/* The next key of `server` from k on, or n_keys, where its sum is in a message. */
static int next_key(const pt_votes *v, int server, int k)
{
    const pt_keys *keys = v->run->keys;

    while (k < keys->n && (!v->clips || keys->keys[k].server != server)) k++;
    return k;
}

static void pack(pt_votes *v)
{
    int server = v->comm->rank;
    double *to = v->message;

    *to++ = v->bad;
    for (int k = next_key(v, server, 0); k < v->run->keys->n;
         k = next_key(v, server, k + 1))
        *to++ = v->squares[k];
}

/* Returns the key that `server` finds bad, or -1. */
static int unpack(pt_votes *v, int server)
{
    const double *from = v->message + 1;

    for (int k = next_key(v, server, 0); k < v->run->keys->n;
         k = next_key(v, server, k + 1))
        v->squares[k] = *from++;
    return (int)v->message[0];
}

/* Every server's vote to rank 0. */
static pt_status collect(pt_votes *v, pt_verdict *out)
{
    pt_status s = PT_OK;

    out->bad = v->bad;
    for (int i = 1; i < v->run->n_servers && s == PT_OK; i++) {
        int other;

        s = trade(v, i, true, pt_run_vote_doubles(v->run, i));
        other = s == PT_OK ? unpack(v, i) : -1;
        if (out->bad < 0) out->bad = other;
    }
    out->norm = sqrt(pt_squares_add(v->squares, (size_t)v->run->keys->n));
    return s;
}

static pt_status vote(pt_votes *v, pt_verdict *out)
{
    enum { BAD, NORM };
    double found[PT_VERDICT_DOUBLES];
    pt_status s;

    if (v->comm->rank == 0) {
        s = collect(v, out);
        found[BAD] = out->bad;
        found[NORM] = out->norm;
        memcpy(v->message, found, sizeof found);
        for (int i = 1; i < v->run->n_servers && s == PT_OK; i++)
            s = trade(v, i, false, PT_VERDICT_DOUBLES);
        return s;
    }
    pack(v);
    s = trade(v, 0, true, pt_run_vote_doubles(v->run, v->comm->rank));
    if (s == PT_OK) s = trade(v, 0, false, PT_VERDICT_DOUBLES);
    *out = (pt_verdict){(int)v->message[BAD], v->message[NORM]};
    return s;
}

pt_status pt_votes_count(pt_votes *v, pt_verdict *out)
{
    pt_status s = vote(v, out);

    if (v->since > 0) v->held_s += pt_clock() - v->since;
    if (v->clips && out->bad < 0)
        v->factor = pt_squares_clip(out->norm, v->run->config->optimizer->clip_norm);
    return s;
}

double pt_votes_seconds(const pt_votes *v)
{
    return v ? v->held_s : 0;
}
