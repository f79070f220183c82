#include "server/update.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/run/hosts.h"
#include "common/run/trace.h"
#include "common/run/window.h"

/* When a message was sent, in which step, to which worker; at 0: it is not under way. */
typedef struct {
    double at;
    uint64_t step;
    uint16_t worker;
} departure;

struct pt_update {
    pt_run *run;
    pt_comm *comm;
    pt_store *store;
    pt_gather *gather;
    pt_request *pull; /* [n_keys][n_workers] weights under way */
    int *trained;     /* [n]: this server's keys in this stage */
    int n;
    pt_sender *senders; /* [n_senders]: who gets the new weights of a key */
    int n_senders;
    int *peers;                           /* [n_senders]: their ranks, for one key */
    const Pt__Record__StepRecord *record; /* of the step under way */
    double seconds;
    departure *departures; /* [n_keys][n_workers]; NULL: there is no trace */
    size_t sent, left; /* messages of the step, and how many of them have left in a row */
    double last_look;
    pt_status lost; /* why a test in look() failed, which returns nothing */
    char lost_text[512];
};

/* The weights under way of the i-th message of the step: keys in the order in which they
 * were sent, each to one peer after another. */
static pt_request *nth(pt_update *u, size_t i)
{
    size_t n = (size_t)u->n_senders;

    return &u->pull[(size_t)u->trained[i / n] * (size_t)u->run->n_workers + i % n];
}

/* The i-th message of `pull` has left. */
static void trace_pull(pt_update *u, size_t i)
{
    departure *d = u->departures ? &u->departures[i] : NULL;
    int32_t key = (int32_t)(i / (size_t)u->run->n_workers);

    if (!d || d->at == 0) return;
    pt_trace_put(u->run->trace, &(pt_trace_span){d->at, pt_clock(), key, PT_TRACE_PULL,
                                                 d->worker, d->step});
    d->at = 0;
}

/* Which weights of the step have left? */
static void look(pt_update *u)
{
    bool done = true;

    while (u->left < u->sent && done && u->lost == PT_OK) {
        u->lost = pt_comm_test(u->comm, nth(u, u->left), &done);
        if (u->lost != PT_OK)
            snprintf(u->lost_text, sizeof u->lost_text, "%s", pt_fail_text());
        if (done && u->lost == PT_OK) trace_pull(u, (size_t)(nth(u, u->left) - u->pull));
        u->left += done;
    }
}

/* What look() had to keep: asked again, a send that has failed may seem to have ended. */
static pt_status kept(const pt_update *u)
{
    return u->lost == PT_OK ? PT_OK : pt_fail(u->lost, "%s", u->lost_text);
}

/* Called while this server waits: a look each millisecond is enough. */
static pt_status poll(void *context, bool *moved)
{
    pt_update *u = context;
    double now = pt_clock();

    if (now - u->last_look < 1e-3) return PT_OK;
    u->last_look = now;
    look(u);
    return kept(u);
}

pt_status pt_update_create(pt_run *run, pt_comm *comm, pt_store *store, pt_gather *gather,
                           pt_update **out)
{
    pt_update *u = pt_calloc(1, sizeof *u);
    size_t keys = (size_t)run->keys->n;

    *out = NULL;
    if (u) {
        *u = (pt_update){.run = run, .comm = comm, .store = store, .gather = gather};
        u->pull = pt_calloc(pt_mul(keys, (size_t)run->n_workers), sizeof *u->pull);
        u->trained = pt_calloc(keys, sizeof *u->trained);
        u->senders = pt_calloc((size_t)run->n_workers, sizeof *u->senders);
        u->peers = pt_calloc((size_t)run->n_workers, sizeof *u->peers);
        if (run->trace)
            u->departures =
                pt_calloc(pt_mul(keys, (size_t)run->n_workers), sizeof *u->departures);
    }
    if (!u || !u->pull || !u->trained || !u->senders || !u->peers) {
        pt_update_destroy(&u);
        return pt_fail(PT_ERR_NOMEM, "no memory for the list of keys");
    }
    u->n_senders = pt_run_senders(run, comm->rank, u->senders);
    comm->unasked = pt_window_unasked(run, comm);
    comm->poll = poll;
    comm->poll_context = u;
    *out = u;
    return PT_OK;
}

void pt_update_destroy(pt_update **u)
{
    if (!u || !*u) return;
    (*u)->comm->poll = NULL;
    free((*u)->pull);
    free((*u)->departures);
    free((*u)->trained);
    free((*u)->senders);
    free((*u)->peers);
    free(*u);
    *u = NULL;
}

void pt_update_enter_stage(pt_update *u)
{
    int n;
    const int *keys = pt_store_keys(u->store, &n);

    u->n = 0;
    u->sent = u->left = 0;
    for (int i = 0; i < n; i++)
        if (u->run->trained[u->run->keys->keys[keys[i]].tensor])
            u->trained[u->n++] = keys[i];
}

/* Waits until a key's weights of the previous step have been sent. */
static pt_status wait_for_key(pt_update *u, int key)
{
    size_t w = (size_t)u->run->n_workers;
    pt_status s = kept(u);

    if (s == PT_OK) s = pt_comm_wait(u->comm, u->pull + (size_t)key * w, w);
    for (size_t i = 0; i < w; i++) trace_pull(u, (size_t)key * w + i);
    return s;
}

/* A key's i-th message is about to be sent, to rank `peer`. */
static void depart(pt_update *u, int key, int i, int peer)
{
    size_t w = (size_t)u->run->n_workers;

    if (u->departures)
        u->departures[(size_t)key * w + (size_t)i] = (departure){
            pt_clock(), u->run->trace->step, (uint16_t)(peer - u->run->n_servers)};
}

/* The key's new weights to every sender. Those of this host read them here, and have done
 * so before their next payload: before the next record, and so before they move again. */
static pt_status lend_key(pt_update *u, int key)
{
    const pt_key *k = &u->run->keys->keys[key];

    for (int i = 0; i < u->n_senders; i++) {
        u->peers[i] = pt_sender_rank(u->run, &u->senders[i], key);
        depart(u, key, i, u->peers[i]);
    }
    return pt_comm_lend_all(u->comm, u->peers, u->n_senders, PT_MSG_PULL, key,
                            u->run->flat + k->offset, k->count * sizeof(float),
                            u->pull + (size_t)key * (size_t)u->run->n_workers);
}

/* A copy of the key's part of weights [n_param_floats] to every worker. */
static pt_status send_key(pt_update *u, int key, const float *weights)
{
    const pt_key *k = &u->run->keys->keys[key];
    int w = u->run->n_workers;

    for (int i = 0; i < w; i++) depart(u, key, i, u->run->n_servers + i);
    return pt_comm_send_all(u->comm, u->run->n_servers, w, PT_MSG_PULL, key,
                            weights + k->offset, k->count * sizeof(float),
                            u->pull + (size_t)key * (size_t)w);
}

/* A key's tree is finished: move the weights and send them. */
static pt_status key_done(void *context, int key, const float *gradient)
{
    pt_update *u = context;
    pt_status s = wait_for_key(u, key);
    double start = pt_cpu_clock(), begin = pt_trace_clock(u->run->trace);

    if (s == PT_OK) s = pt_store_update(u->store, key, gradient, u->record);
    u->seconds += pt_cpu_clock() - start;
    pt_trace_until_now(u->run->trace, PT_TRACE_UPDATE, key, begin);
    if (s == PT_OK) s = lend_key(u, key);
    if (s != PT_OK) return s;
    u->sent += (size_t)u->n_senders;
    look(u); /* small messages have left */
    return PT_OK;
}

pt_status pt_update_keys(pt_update *u, const Pt__Record__StepRecord *r)
{
    u->record = r;
    u->sent = u->left = 0;
    return pt_gather_keys(u->gather, r->step, u->trained, u->n, key_done, u);
}

pt_status pt_update_hold(pt_update *u, uint64_t step, pt_votes *votes, pt_verdict *out)
{
    pt_status s;

    pt_votes_begin(votes);
    s = pt_gather_keys(u->gather, step, u->trained, u->n, pt_votes_hold, votes);
    return s == PT_OK ? pt_votes_count(votes, out) : s;
}

pt_status pt_update_release(pt_update *u, const Pt__Record__StepRecord *r,
                            pt_votes *votes, bool apply)
{
    pt_status s = PT_OK;

    u->record = r;
    u->sent = u->left = 0;
    for (int i = 0; i < u->n && s == PT_OK; i++) {
        int key = u->trained[i];

        if (apply) {
            s = key_done(u, key, pt_votes_gradient(votes, key));
        } else {
            s = wait_for_key(u, key);
            if (s == PT_OK) s = lend_key(u, key);
            u->sent += (size_t)u->n_senders;
        }
    }
    return s;
}

pt_status pt_update_send(pt_update *u, const float *weights)
{
    int n;
    const int *keys = pt_store_keys(u->store, &n);
    pt_status s = PT_OK;

    for (int i = 0; i < n && s == PT_OK; i++) {
        s = wait_for_key(u, keys[i]);
        if (s == PT_OK) s = send_key(u, keys[i], weights);
    }
    return s;
}

pt_status pt_update_settle(pt_update *u)
{
    pt_status s = kept(u);

    return s == PT_OK ? pt_comm_wait(u->comm, u->pull,
                                     (size_t)u->run->keys->n * (size_t)u->run->n_workers)
                      : s;
}

double pt_update_seconds(const pt_update *u)
{
    return u->seconds;
}
