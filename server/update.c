#include "server/update.h"

#include <stdlib.h>

struct pt_update {
    pt_run *run;
    pt_comm *comm;
    pt_store *store;
    pt_gather *gather;
    pt_request *pull; /* [n_keys][n_workers] weights under way */
    int *trained;     /* [n]: this server's keys in this stage */
    int n;
    const Pt__Record__StepRecord *record; /* of the step under way */
    double seconds;
};

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
    }
    if (!u || !u->pull || !u->trained) {
        pt_update_destroy(&u);
        return pt_fail(PT_ERR_NOMEM, "no memory for the list of keys");
    }
    *out = u;
    return PT_OK;
}

void pt_update_destroy(pt_update **u)
{
    if (!u || !*u) return;
    free((*u)->pull);
    free((*u)->trained);
    free(*u);
    *u = NULL;
}

void pt_update_enter_stage(pt_update *u)
{
    int n;
    const int *keys = pt_store_keys(u->store, &n);

    u->n = 0;
    for (int i = 0; i < n; i++)
        if (u->run->trained[u->run->keys->keys[keys[i]].tensor])
            u->trained[u->n++] = keys[i];
}

/* Waits until a key's weights of the previous step have been sent. */
static pt_status wait_for_key(pt_update *u, int key)
{
    size_t w = (size_t)u->run->n_workers;

    return pt_comm_wait(u->comm, u->pull + (size_t)key * w, w);
}

/* The key's part of weights [n_param_floats] to every worker. */
static pt_status send_key(pt_update *u, int key, const float *weights)
{
    const pt_key *k = &u->run->keys->keys[key];
    int w = u->run->n_workers;

    return pt_comm_send_all(u->comm, u->run->n_servers, w, PT_MSG_PULL, key,
                            weights + k->offset, k->count * sizeof(float),
                            u->pull + (size_t)key * (size_t)w);
}

/* A key's tree is finished: move the weights and send them. */
static pt_status key_done(void *context, int key, const float *gradient)
{
    pt_update *u = context;
    pt_status s = wait_for_key(u, key);
    double start = pt_cpu_clock();

    if (s == PT_OK) s = pt_store_update(u->store, key, gradient, u->record);
    u->seconds += pt_cpu_clock() - start;
    return s == PT_OK ? send_key(u, key, u->run->flat) : s;
}

pt_status pt_update_keys(pt_update *u, const Pt__Record__StepRecord *r)
{
    u->record = r;
    return pt_gather_keys(u->gather, r->step, u->trained, u->n, key_done, u);
}

pt_status pt_update_hold(pt_update *u, uint64_t step, pt_votes *votes, int32_t *bad)
{
    pt_status s;

    pt_votes_begin(votes);
    s = pt_gather_keys(u->gather, step, u->trained, u->n, pt_votes_hold, votes);
    return s == PT_OK ? pt_votes_count(votes, bad) : s;
}

pt_status pt_update_release(pt_update *u, const Pt__Record__StepRecord *r,
                            const pt_votes *votes, bool apply)
{
    pt_status s = PT_OK;

    u->record = r;
    for (int i = 0; i < u->n && s == PT_OK; i++) {
        int key = u->trained[i];

        if (apply) {
            s = key_done(u, key, pt_votes_gradient(votes, key));
        } else {
            s = wait_for_key(u, key);
            if (s == PT_OK) s = send_key(u, key, u->run->flat);
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
    return pt_comm_wait(u->comm, u->pull,
                        (size_t)u->run->keys->n * (size_t)u->run->n_workers);
}

double pt_update_seconds(const pt_update *u)
{
    return u->seconds;
}
