/* The client's pushes. A key that goes to a server on another host leaves when its turn
 * has come (worker/turns.h): at once, or when weights that it waits for have come, which
 * the net's polls and all waits look for. The others leave at once: they are lent, or
 * their home waits. */
#include <stdio.h>

#include "common/base/bf16.h"
#include "worker/client.h"
#include "worker/client_state.h"

bool pt_client_keep(pt_client *c, pt_status s)
{
    c->lost = s;
    if (s != PT_OK) snprintf(c->lost_text, sizeof c->lost_text, "%s", pt_fail_text());
    return s == PT_OK;
}

void pt_client_look(pt_client *c, pt_request *r)
{
    bool done;

    if (r->active && c->lost == PT_OK) pt_client_keep(c, pt_comm_test(c->comm, r, &done));
    if (!r->active) pt_spans_left(&c->spans, (size_t)(r - c->push));
}

/* Sends or lends the sum of one part of a key. A small message leaves at once: the look
 * says so, for the seconds under way. */
static pt_status push(pt_client *c, int key, int part, float *sum)
{
    const pt_key *k = &c->run->keys->keys[key];
    pt_request *r = &c->push[key * PT_MAX_COVER + part];
    int index = key * PT_MSG_COVERS + part, peer = c->peer[key];
    pt_status s;

    pt_spans_push(&c->spans, (size_t)(r - c->push));
    if (pt_run_lends(c->run, c->comm->rank, peer)) {
        s = pt_comm_lend(c->comm, peer, PT_MSG_PUSH, index, sum, k->count * sizeof *sum,
                         r);
    } else {
        if (c->span.bf16) pt_bf16_pack(sum, k->count, (uint16_t *)(void *)sum);
        s = pt_comm_send(c->comm, peer, PT_MSG_PUSH, index, sum,
                         pt_push_bytes(c->run, k->count), r);
    }
    pt_client_look(c, r);
    return s;
}

/* The sums of a key: to its server, or to its home. */
static pt_status push_key(pt_client *c, int key)
{
    const pt_key *k = &c->run->keys->keys[key];
    const pt_tensor *t = &c->run->graph->tensors[k->tensor];
    pt_status s = PT_OK;

    for (int i = 0; i < c->n_cover && s == PT_OK; i++)
        if (pt_node_size(&c->span, c->cover[i].level, c->cover[i].index) > 0)
            s = push(c, key, i,
                     pt_net_gradient(c->net, k->tensor, i) + (k->offset - t->offset));
    return s;
}

/* The sums of a key are complete. */
static pt_status ready(pt_client *c, int key)
{
    const pt_key *k = &c->run->keys->keys[key];

    if (pt_home_has(c->home, key))
        pt_home_ready(c->home, key);
    else if (pt_turns_has(c->turns, key))
        pt_turns_ready(c->turns, key);
    else if (!pt_factor_pushes_has(c->factors, k->server, k->tensor))
        return push_key(c, key);
    return PT_OK;
}

/* Pushes the keys of one server whose turn has come. */
static pt_status advance(pt_client *c, int server, bool *moved)
{
    bool done = true;
    pt_status s = PT_OK;

    for (int k; done && s == PT_OK && (k = pt_turns_awaited(c->turns, server)) >= 0;) {
        s = pt_comm_test(c->comm, &c->pull[k], &done);
        if (s == PT_OK && done) pt_turns_came(c->turns, server);
    }
    for (int k; s == PT_OK && (k = pt_turns_next(c->turns, server)) >= 0; *moved = true)
        s = push_key(c, k);
    return s;
}

pt_status pt_client_advance(pt_client *c, bool *moved)
{
    pt_status s = PT_OK;

    for (int i = 0; i < c->run->n_servers && s == PT_OK; i++) s = advance(c, i, moved);
    return s;
}

pt_status pt_client_push(pt_client *c, int tensor)
{
    const int *first = c->run->keys->first_of_tensor;
    bool moved;
    pt_status s = PT_OK;

    for (int k = first[tensor + 1] - 1; k >= first[tensor] && s == PT_OK; k--)
        s = ready(c, k);
    return s == PT_OK ? pt_client_advance(c, &moved) : s;
}

pt_status pt_client_finish_pushes(pt_client *c)
{
    pt_status s = PT_OK;
    bool moved;

    for (int i = 0; i < c->run->n_servers && s == PT_OK; i++)
        for (int k; s == PT_OK && (k = pt_turns_awaited(c->turns, i)) >= 0;) {
            s = pt_client_wait(c, PT_TIME_WEIGHTS, &c->pull[k], 1);
            if (s == PT_OK) s = pt_client_advance(c, &moved);
        }
    if (s == PT_OK)
        s = pt_client_wait(c, PT_TIME_WEIGHTS, c->push,
                           (size_t)c->run->keys->n * PT_MAX_COVER);
    if (s == PT_OK)
        s = pt_client_wait(c, PT_TIME_WEIGHTS, pt_factor_pushes_requests(c->factors),
                           pt_factor_pushes_count(c->factors));
    return s;
}
