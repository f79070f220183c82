/* One step, message by message:
 *
 *     begin_step       the sums pushed in the step before have left their buffers
 *     before_node      forward, layer by layer: waits for the new weights of that layer
 *     exchange_begin   batch norm, both passes: among the workers (worker/exchange.h),
 *     exchange_end     rank 0 takes no part
 *     trade            payload to rank 0, step record back
 *     begin_backward   this worker is the home of keys again (worker/home.h)
 *     gradient_ready   backward, last layer first: pushes the sums of the layer's keys
 *                      (worker/client_push.c) or its factors (worker/factor_pushes.h),
 *                      and posts receives for its new weights
 *     end_step         posts the receives of a worker without images
 *
 * Weights and gradients that stay on this host are lent and not sent (pt_comm_lend): to
 * and from the key's server, or its home, which the other workers of the host take for
 * it. Three invariants make this safe.
 *
 * - Nothing is written into run->flat while a layer still reads those weights: a receive
 *   is posted in the layer's gradient_ready, after its backward pass, and lent weights
 *   are copied in the next forward pass.
 * - A gradient's buffer is the server's from its push until the key's new weights come,
 *   and until its message has left. The server has added up the gradients before it sends
 *   weights, and no backward pass begins before all weights are here.
 * - The server's weights are the worker's to read until its payload leaves: trade sends
 *   it only when all weights are here, and no server moves weights, and no home begins
 *   the backward pass that overwrites them, before rank 0 has every worker's.
 *
 * With server.wire: bf16 gradients that are sent are packed in their buffers; lent ones
 * are floats, which hold the same values. */
#include "worker/client.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common/run/hosts.h"
#include "common/run/window.h"
#include "worker/client_state.h"

/* What poll() had to keep. A carrier may take a send that has failed for one that has
 * ended: asking it again would report success. */
static pt_status kept(const pt_client *c)
{
    return c->lost == PT_OK ? PT_OK : pt_fail(c->lost, "%s", c->lost_text);
}

void pt_client_mark(pt_client *c)
{
    pt_spans_mark(&c->spans);
}

static void lap(void *context, int node, pt_net_part part)
{
    pt_client *c = context;

    pt_spans_lap(&c->spans, node, part);
}

/* A wait that began at `start` and with `before` seconds under way is over. */
static void add_wait(pt_client *c, pt_step_time why, double start, double before)
{
    double now = pt_clock();

    c->waited[why] += now - start;
    pt_spans_wait(&c->spans, why, start, now);
    c->exposed += pt_comm_seconds_under_way(c->comm) - before;
}

pt_status pt_client_wait(pt_client *c, pt_step_time why, pt_request *r, size_t n)
{
    double start = pt_clock(), before = pt_comm_seconds_under_way(c->comm);
    pt_status s = kept(c);

    if (s == PT_OK) s = pt_comm_wait(c->comm, r, n);
    add_wait(c, why, start, before);
    return s;
}

void pt_client_times(const pt_client *c, double times[PT_PAYLOAD_TIMES])
{
    for (int i = PT_TIME_WEIGHTS; i <= PT_TIME_RECORD; i++) times[i] = c->waited[i];
    times[PT_TIME_HIDDEN] = pt_comm_seconds_under_way(c->comm) - c->began - c->exposed;
}

const double *pt_client_tensor_waits(const pt_client *c)
{
    return c->tensor_waits;
}

const double *pt_client_server_waits(const pt_client *c)
{
    return c->server_waits;
}

/* Are new weights of the key not in run->flat yet? */
static bool pending(const pt_client *c, int key)
{
    return c->pull[key].active || c->pull[key].lent || c->due[key];
}

/* Waits for a key's new weights. *lent: where they are; NULL: in run->flat. */
static pt_status take_key(pt_client *c, int key, const float **lent)
{
    double start = pt_clock(), before = pt_comm_seconds_under_way(c->comm);
    pt_request *r = &c->pull[key];
    pt_status s = kept(c);

    *lent = NULL;
    if (s == PT_OK)
        s = c->due[key] ? pt_home_wait(c->home, key, lent) : pt_comm_wait(c->comm, r, 1);
    if (r->lent) *lent = r->data;
    add_wait(c, PT_TIME_WEIGHTS, start, before);
    return s;
}

/* New weights of a key are in run->flat, from here on and until they are asked for again:
 * what is lent is copied. */
static pt_status wait_key(pt_client *c, int key)
{
    const pt_key *k = &c->run->keys->keys[key];
    const float *lent;
    pt_status s = take_key(c, key, &lent);
    double start = pt_clock();

    if (s != PT_OK || !lent) return s;
    memcpy(c->run->flat + k->offset, lent, k->count * sizeof(float));
    c->pull[key].lent = c->due[key] = false;
    c->waited[PT_TIME_WEIGHTS] += pt_clock() - start;
    return PT_OK;
}

/* The keys of a tensor, one after another: each wait is that for its server. */
static pt_status wait_tensor(pt_client *c, int tensor)
{
    const pt_keys *keys = c->run->keys;
    pt_status s = PT_OK;

    if (tensor < 0) return PT_OK;
    for (int k = keys->first_of_tensor[tensor];
         k < keys->first_of_tensor[tensor + 1] && s == PT_OK; k++) {
        double before = c->waited[PT_TIME_WEIGHTS], more;

        if (!pending(c, k)) continue;
        c->spans.tensor = tensor;
        s = wait_key(c, k);
        c->spans.tensor = -1;
        more = c->waited[PT_TIME_WEIGHTS] - before;
        c->tensor_waits[tensor] += more;
        c->server_waits[keys->keys[k].server] += more;
    }
    return s;
}

static pt_status before_node(void *context, int node)
{
    pt_client *c = context;
    const pt_node *n = &c->run->graph->nodes[node];
    pt_status s = wait_tensor(c, n->weight);

    return s == PT_OK ? wait_tensor(c, n->bias) : s;
}

static pt_status ask_for(pt_client *c, int key)
{
    const pt_key *k = &c->run->keys->keys[key];

    c->due[key] = pt_home_has(c->home, key);
    if (c->due[key]) return PT_OK;
    return pt_comm_borrow(c->comm, c->peer[key], PT_MSG_PULL, key,
                          c->run->flat + k->offset, k->count * sizeof(float),
                          &c->pull[key]);
}

/* Asks for the new weights of a tensor, in the order in which they come: the last key
 * first. */
static pt_status ask_for_tensor(pt_client *c, int tensor)
{
    const int *first = c->run->keys->first_of_tensor;
    pt_status s = PT_OK;

    for (int k = first[tensor + 1] - 1; k >= first[tensor] && s == PT_OK; k--)
        s = ask_for(c, k);
    return s;
}

static pt_status gradient_ready(void *context, int tensor)
{
    pt_client *c = context;
    bool moved;
    pt_status s = kept(c);

    if (s == PT_OK) s = pt_client_push(c, tensor);
    if (s == PT_OK)
        s = pt_factor_pushes_send(c->factors, tensor, (size_t)pt_span_images(&c->span));
    if (s == PT_OK) s = pt_home_poll(c->home, &moved);
    return s == PT_OK ? ask_for_tensor(c, tensor) : s;
}

static pt_status exchange_begin(void *context, int node, bool backward,
                                const double *parts, size_t len, pt_tree_add add)
{
    pt_client *c = context;

    pt_spans_exchange(&c->spans, node);
    return pt_exchange_begin(c->exchange, node, backward, parts, len, add);
}

static pt_status exchange_end(void *context, const double **total)
{
    pt_client *c = context;
    double start = pt_clock(), before = pt_comm_seconds_under_way(c->comm);
    pt_status s = kept(c);

    if (s == PT_OK) s = pt_exchange_end(c->exchange, total);
    add_wait(c, PT_TIME_SUMS, start, before);
    pt_spans_exchanged(&c->spans);
    return s;
}

/* Any test of any request moves all of MPI's messages; one a millisecond is enough, but
 * an exchange waits for the end of a round to begin the next. */
static void poll(void *context)
{
    pt_client *c = context;
    double now = pt_clock();
    bool moved;

    if (now - c->last_look < 5e-5 || c->lost != PT_OK) return;
    c->last_look = now;
    if (!pt_client_keep(c, pt_exchange_poll(c->exchange)) || now - c->last_poll < 1e-3)
        return;
    c->last_poll = now;
    pt_comm_poll(c->comm);
    if (!pt_client_keep(c, pt_home_poll(c->home, &moved))) return;
    if (!pt_client_keep(c, pt_client_advance(c, &moved))) return;
    if (!pt_client_keep(c, pt_factor_pushes_poll(c->factors))) return;
    for (int k = 0; k < c->run->keys->n; k++)
        for (int i = 0; i < c->n_cover; i++) {
            pt_request *r = &c->push[k * PT_MAX_COVER + i];

            pt_client_look(c, r);
            if (c->lost != PT_OK || r->active) return;
        }
}

/* The same in waits: what the other workers of the host, and servers, wait for. */
static pt_status poll_in_waits(void *context, bool *moved)
{
    pt_client *c = context;
    bool some = false;

    if (c->lost == PT_OK && pt_client_keep(c, pt_home_poll(c->home, &some)))
        pt_client_keep(c, pt_client_advance(c, &some));
    *moved = *moved || some;
    return kept(c);
}

void pt_client_destroy(pt_client **c)
{
    if (!c || !*c) return;
    if ((*c)->comm->poll_context == *c) (*c)->comm->poll = NULL;
    free((*c)->push);
    free((*c)->pull);
    free((*c)->peer);
    free((*c)->due);
    pt_turns_destroy(&(*c)->turns);
    pt_home_destroy(&(*c)->home);
    pt_spans_fini(&(*c)->spans);
    free((*c)->tensor_waits);
    free((*c)->server_waits);
    pt_factor_pushes_destroy(&(*c)->factors);
    pt_exchange_destroy(&(*c)->exchange);
    free(*c);
    *c = NULL;
}

/* Lists of keys and of parameter tensors. */
static pt_status make_lists(pt_client *c)
{
    size_t n = (size_t)c->run->keys->n, params = (size_t)c->run->graph->n_params;

    c->push = pt_calloc(n * PT_MAX_COVER, sizeof *c->push);
    c->pull = pt_calloc(n, sizeof *c->pull);
    c->peer = pt_calloc(n, sizeof *c->peer);
    c->due = pt_calloc(n, sizeof *c->due);
    c->tensor_waits = pt_calloc(params, sizeof *c->tensor_waits);
    c->server_waits = pt_calloc((size_t)c->run->n_servers, sizeof *c->server_waits);
    if (!c->push || !c->pull || !c->peer || !c->due || !c->tensor_waits ||
        !c->server_waits)
        return pt_fail(PT_ERR_NOMEM, "no memory for the worker's messages");
    for (int k = 0; k < c->run->keys->n; k++)
        c->peer[k] = pt_run_home(c->run, c->worker, k);
    return PT_OK;
}

/* Does this worker send the sums of key to another host's server by itself? */
static bool sends(const pt_client *c, int key)
{
    const pt_key *k = &c->run->keys->keys[key];

    return c->peer[key] == k->server && !pt_run_lends(c->run, c->comm->rank, k->server) &&
           !pt_factor_pushes_has(c->factors, k->server, k->tensor);
}

static pt_status make_turns(pt_client *c)
{
    bool *pushes = pt_calloc((size_t)c->run->keys->n, sizeof *pushes);
    int *window = pt_calloc((size_t)c->run->n_servers, sizeof *window);
    pt_status s = pushes && window
                      ? PT_OK
                      : pt_fail(PT_ERR_NOMEM, "no memory for the order of pushes");

    for (int k = 0; k < c->run->keys->n && s == PT_OK; k++) pushes[k] = sends(c, k);
    for (int i = 0; i < c->run->n_servers && s == PT_OK; i++)
        window[i] = c->comm->unasked ? pt_window_pushes(c->run, i) : INT_MAX;
    if (s == PT_OK) s = pt_turns_create(c->run, pushes, window, &c->turns);
    free(pushes);
    free(window);
    return s;
}

/* The client's hooks: of its net, and of waits. */
static void install(pt_client *c)
{
    pt_net_set_hooks(c->net, &(pt_net_hooks){.context = c,
                                             .before_node = before_node,
                                             .exchange_begin = exchange_begin,
                                             .exchange_end = exchange_end,
                                             .gradient_ready = gradient_ready,
                                             .poll = poll,
                                             .lap = c->run->trace ? lap : NULL});
    c->comm->poll = poll_in_waits;
    c->comm->poll_context = c;
}

pt_status pt_client_create(pt_run *run, pt_comm *comm, pt_net *net, int worker,
                           pt_client **out)
{
    pt_client *c = pt_calloc(1, sizeof *c);
    pt_status s;

    *out = NULL;
    if (!c) return pt_fail(PT_ERR_NOMEM, "no memory for the worker's messages");
    c->run = run;
    c->comm = comm;
    c->net = net;
    c->worker = worker;
    comm->unasked = pt_window_unasked(run, comm);
    s = pt_spans_init(&c->spans, run, (size_t)run->keys->n * PT_MAX_COVER);
    if (s == PT_OK) s = make_lists(c);
    if (s == PT_OK) s = pt_exchange_create(run, comm, worker, &c->exchange);
    if (s == PT_OK) s = pt_factor_pushes_create(run, comm, net, worker, &c->factors);
    if (s == PT_OK) s = make_turns(c);
    if (s == PT_OK) s = pt_home_create(run, comm, net, &c->spans, worker, &c->home);
    if (s == PT_OK) {
        install(c);
        *out = c;
        c = NULL;
    }
    pt_client_destroy(&c);
    return s;
}

void pt_client_poll_in(pt_client *c, pt_net *net)
{
    pt_net_set_hooks(net, &(pt_net_hooks){.context = c, .poll = poll});
}

pt_status pt_client_begin_step(pt_client *c, uint64_t step)
{
    int n_full;
    pt_status s;

    pt_comm_at(c->comm, step, "forward pass");
    memset(c->waited, 0, sizeof c->waited);
    c->began = pt_comm_seconds_under_way(c->comm);
    c->exposed = 0;
    s = pt_client_finish_pushes(c);
    pt_turns_begin(c->turns);
    pt_spans_step(&c->spans, step);
    if (s == PT_OK) s = pt_client_wait(c, PT_TIME_RECORD, &c->payload, 1);
    c->step = step;
    c->span = pt_run_span(c->run, c->worker, step);
    pt_exchange_at(c->exchange, step);
    c->n_cover = pt_span_cover(&c->span, c->cover, &n_full);
    if (s == PT_OK && n_full == 0) s = pt_client_settle(c); /* no layer will wait */
    return s;
}

pt_status pt_client_trade(pt_client *c, const double *payload, size_t n,
                          Pt__Record__StepRecord *record)
{
    pt_status s = pt_client_settle(c); /* the forward pass has waited for them: no wait */

    if (s == PT_OK)
        s = pt_comm_send(c->comm, RANK_0, PT_MSG_PAYLOAD, 0, payload, n * sizeof *payload,
                         &c->payload);
    if (s == PT_OK)
        s = pt_comm_recv(c->comm, RANK_0, PT_MSG_RECORD, 0, c->record_bytes,
                         PT_RECORD_BYTES, &c->record);
    if (s == PT_OK) s = pt_client_wait(c, PT_TIME_RECORD, &c->record, 1);
    if (s == PT_OK) s = pt_record_unpack(c->record_bytes, record);
    if (s == PT_OK && record->step != c->step)
        s = pt_fail(PT_ERR_COMM, "step record of step %llu at step %llu",
                    (unsigned long long)record->step, (unsigned long long)c->step);
    pt_comm_at(c->comm, c->step, "backward pass");
    return s;
}

pt_status pt_client_begin_backward(pt_client *c)
{
    return pt_home_begin(c->home, c->step);
}

pt_status pt_client_end_step(pt_client *c)
{
    pt_status s = PT_OK;

    if (pt_span_images(&c->span) > 0) return PT_OK; /* each tensor's, when it was ready */
    for (int i = c->run->graph->n_params - 1; i >= 0 && s == PT_OK; i--)
        if (c->run->trained[i]) s = ask_for_tensor(c, i);
    return s;
}

pt_status pt_client_settle(pt_client *c)
{
    pt_status s = kept(c);

    for (int k = 0; k < c->run->keys->n && s == PT_OK; k++)
        if (pending(c, k)) s = wait_key(c, k);
    return s;
}

pt_status pt_client_take_weights(pt_client *c)
{
    pt_status s = PT_OK;

    for (int k = 0; k < c->run->keys->n && s == PT_OK; k++) {
        const pt_key *key = &c->run->keys->keys[k];

        s = pt_comm_recv(c->comm, key->server, PT_MSG_PULL, k, c->run->flat + key->offset,
                         key->count * sizeof(float), &c->pull[k]);
    }
    return s == PT_OK ? pt_client_settle(c) : s;
}
