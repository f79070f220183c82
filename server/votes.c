#include "server/votes.h"

#include <stdlib.h>
#include <string.h>

struct pt_votes {
    const pt_run *run;
    pt_comm *comm;
    float *held;   /* [n_param_floats]: gradients of the keys, as run->flat */
    double since;  /* the first of this step's keys was complete; 0: none is yet */
    double held_s; /* of all steps */
    int32_t bad;   /* a key of this server whose gradient is not finite; -1: none */
};

size_t pt_votes_bytes(const pt_run *run)
{
    bool votes = run->config->run->nonfinite == PT__CONFIG__NON_FINITE__SKIP_ALL;

    return votes ? run->graph->n_param_floats * sizeof(float) : 0;
}

pt_status pt_votes_create(const pt_run *run, pt_comm *comm, pt_votes **out)
{
    pt_votes *v;

    *out = NULL;
    if (pt_votes_bytes(run) == 0) return PT_OK;
    v = pt_calloc(1, sizeof *v);
    if (v) *v = (pt_votes){.run = run, .comm = comm};
    if (v) v->held = pt_calloc(run->graph->n_param_floats, sizeof *v->held);
    if (!v || !v->held) {
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
    free(*v);
    *v = NULL;
}

void pt_votes_begin(pt_votes *v)
{
    v->bad = -1;
    v->since = 0;
}

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

    if (v->since == 0) v->since = pt_clock();
    memcpy(v->held + k->offset, gradient, k->count * sizeof *gradient);
    if (v->bad < 0 && !all_finite(gradient, k->count)) v->bad = key;
    return PT_OK;
}

/* A vote between this server and `peer`: one direction to rank 0, the other from it. */
static pt_status trade(pt_votes *v, int peer, bool to_rank_0, int32_t *bad)
{
    bool sends = to_rank_0 != (v->comm->rank == 0);
    pt_request r = {0};
    pt_status s =
        sends
            ? pt_comm_send(v->comm, peer, PT_MSG_VOTE, !to_rank_0, bad, sizeof *bad, &r)
            : pt_comm_recv(v->comm, peer, PT_MSG_VOTE, !to_rank_0, bad, sizeof *bad, &r);

    return s == PT_OK ? pt_comm_wait(v->comm, &r, 1) : s;
}

/* Every server's vote to rank 0, and what follows from it to every server. */
static pt_status vote(pt_votes *v, int32_t *bad)
{
    pt_status s = PT_OK;

    *bad = v->bad;
    if (v->comm->rank != 0) {
        s = trade(v, 0, true, bad);
        return s == PT_OK ? trade(v, 0, false, bad) : s;
    }
    for (int i = 1; i < v->run->n_servers && s == PT_OK; i++) {
        int32_t other = -1;

        s = trade(v, i, true, &other);
        if (*bad < 0) *bad = other;
    }
    for (int i = 1; i < v->run->n_servers && s == PT_OK; i++) s = trade(v, i, false, bad);
    return s;
}

pt_status pt_votes_count(pt_votes *v, int32_t *bad)
{
    pt_status s = vote(v, bad);

    if (v->since > 0) v->held_s += pt_clock() - v->since;
    return s;
}

const float *pt_votes_gradient(const pt_votes *v, int key)
{
    return v->held + v->run->keys->keys[key].offset;
}

double pt_votes_seconds(const pt_votes *v)
{
    return v ? v->held_s : 0;
}
