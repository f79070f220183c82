#include "server/serve_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Sends the weights of a key to every worker. */
static pt_status send_key(pt_server *s, int key)
{
    const pt_key *k = &s->run->keys->keys[key];
    int w = s->run->n_workers;

    return pt_comm_send_all(s->comm, s->run->n_servers, w, PT_MSG_PULL, key,
                            s->run->flat + k->offset, k->count * sizeof(float),
                            s->pull + (size_t)key * (size_t)w);
}

/* A key's tree is finished: move the weights and send them. */
static pt_status key_done(void *context, int key, const float *gradient)
{
    pt_server *s = context;
    int w = s->run->n_workers;
    /* the weights of the step before have left */
    pt_status st = pt_comm_wait(s->comm, s->pull + (size_t)key * (size_t)w, (size_t)w);
    double start = pt_cpu_clock();

    if (st == PT_OK) st = pt_store_update(s->store, key, gradient, s->record);
    s->costs.update_s += pt_cpu_clock() - start;
    return st == PT_OK ? send_key(s, key) : st;
}

/* ---- nonfinite: skip_all ---------------------------------------------------------- */

static bool all_finite(const float *x, size_t n)
{
    float sum = 0; /* 0 * x is NaN exactly where x is not finite */

    for (size_t i = 0; i < n; i++) sum += 0.0f * x[i];
    return sum == 0;
}

/* Keeps the gradient until all servers have voted. */
static pt_status hold_key(void *context, int key, const float *gradient)
{
    pt_server *s = context;
    const pt_key *k = &s->run->keys->keys[key];

    if (s->held_since == 0) s->held_since = pt_clock();
    memcpy(s->held + k->offset, gradient, k->count * sizeof *gradient);
    if (s->bad_key < 0 && !all_finite(gradient, k->count)) s->bad_key = key;
    return PT_OK;
}

static pt_status trade_vote(pt_server *s, int peer, bool to_rank_0, int32_t *bad)
{
    bool sends = to_rank_0 != pt_server_first(s);
    pt_request r = {0};
    pt_status st =
        sends
            ? pt_comm_send(s->comm, peer, PT_MSG_VOTE, !to_rank_0, bad, sizeof *bad, &r)
            : pt_comm_recv(s->comm, peer, PT_MSG_VOTE, !to_rank_0, bad, sizeof *bad, &r);

    return st == PT_OK ? pt_comm_wait(s->comm, &r, 1) : st;
}

/* Every server's vote to rank 0, and what follows from it to every server: a key whose
 * gradient is not finite, or -1. */
static pt_status vote(pt_server *s, int32_t *bad)
{
    pt_status st = PT_OK;

    *bad = s->bad_key;
    if (!pt_server_first(s)) {
        st = trade_vote(s, 0, true, bad);
        return st == PT_OK ? trade_vote(s, 0, false, bad) : st;
    }
    for (int i = 1; i < s->run->n_servers && st == PT_OK; i++) {
        int32_t other = -1;

        st = trade_vote(s, i, true, &other);
        if (*bad < 0) *bad = other;
    }
    for (int i = 1; i < s->run->n_servers && st == PT_OK; i++)
        st = trade_vote(s, i, false, bad);
    return st;
}

/* The step does not count: gate and moving average as before it. */
static pt_status take_back(pt_server *s, int key, const pt_gate *before)
{
    const pt_key *k = &s->run->keys->keys[key];
    char why[256];

    snprintf(why, sizeof why, "step %llu of %llu: the gradient of %s is not finite",
             (unsigned long long)s->step + 1,
             (unsigned long long)s->run->plan->total_steps,
             s->run->graph->tensors[k->tensor].name);
    s->gate = *before;
    return pt_server_skip(s, why);
}

/* After the vote: new weights, or, where the step is skipped, the old ones. */
static pt_status release_keys(pt_server *s, const int *keys, int n, bool apply)
{
    size_t w = (size_t)s->run->n_workers;
    pt_status st = PT_OK;

    for (int i = 0; i < n && st == PT_OK; i++) {
        if (apply) {
            st = key_done(s, keys[i], s->held + s->run->keys->keys[keys[i]].offset);
        } else {
            st = pt_comm_wait(s->comm, s->pull + (size_t)keys[i] * w, w);
            if (st == PT_OK) st = send_key(s, keys[i]);
        }
    }
    return st;
}

static pt_status update_after_vote(pt_server *s, const int *keys, int n,
                                   const pt_gate *before)
{
    int32_t bad = -1;
    pt_status st;

    s->bad_key = -1;
    s->held_since = 0;
    st = pt_gather_keys(s->gather, s->step, keys, n, hold_key, s);
    if (st == PT_OK) st = vote(s, &bad);
    if (s->held_since > 0) s->costs.held_s += pt_clock() - s->held_since;
    if (st == PT_OK && bad >= 0) st = take_back(s, bad, before);
    if (st == PT_OK && bad < 0 && pt_server_first(s)) pt_server_update_running(s);
    return st == PT_OK ? release_keys(s, keys, n, bad < 0) : st;
}

/* ---- the keys of a step ------------------------------------------------------------ */

pt_status pt_server_update_keys(pt_server *s, const pt_gate *before)
{
    int n, n_trained = 0;
    const int *keys = pt_store_keys(s->store, &n);
    int *trained = malloc((size_t)n * sizeof *trained + 1);
    pt_status st;

    if (!trained) return pt_fail(PT_ERR_NOMEM, "no memory for the list of keys");
    for (int i = 0; i < n; i++)
        if (s->run->trained[s->run->keys->keys[keys[i]].tensor])
            trained[n_trained++] = keys[i];
    if (s->held) {
        st = update_after_vote(s, trained, n_trained, before);
    } else {
        if (pt_server_first(s)) pt_server_update_running(s);
        st = pt_gather_keys(s->gather, s->step, trained, n_trained, key_done, s);
    }
    free(trained);
    if (st == PT_OK && !s->skip_text[0]) s->skipped_in_a_row = 0;
    return st;
}
