#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/run/traffic.h"
#include "launch/plan/sim/carrier.h"
#include "launch/plan/sim/cost.h"
#include "launch/plan/sim/net.h"
#include "server/serve.h"
#include "worker/client.h"

/* ---- a worker, in the order of worker/step.c --------------------------------------- */

/* What a worker would report of images that teach nothing: all is finite, every count is
 * right. */
static void fill_payload(const pt_sim *s, int worker, uint64_t step, double *payload)
{
    pt_payload p = pt_payload_layout(s->run, worker, step);
    pt_span span = pt_run_span(s->run, worker, step);
    pt_shard_sums *sums = (pt_shard_sums *)(payload + p.shards);

    for (int i = 0; i < p.n_shards; i++) {
        double n = pt_shard_size(&span, span.lo + i);

        sums[i] = (pt_shard_sums){.n = n, .ce = n, .g_ce = n, .g_ptr = n, .rep = n};
    }
    for (size_t i = p.moments; i < p.total; i++) payload[i] = 1;
}

static pt_status one_step(pt_client *c, pt_net *net, uint64_t step, const double *payload,
                          size_t n)
{
    Pt__Record__StepRecord record = PT__RECORD__STEP_RECORD__INIT;
    pt_status st = pt_client_begin_step(c, step);

    if (st == PT_OK) st = pt_sim_net_forward(net);
    pt_sim_net_backward_head(net);
    if (st == PT_OK) st = pt_client_trade(c, payload, n, &record);
    if (st == PT_OK) st = pt_client_begin_backward(c);
    if (st == PT_OK) st = pt_sim_net_backward(net);
    return st == PT_OK ? pt_client_end_step(c) : st;
}

static pt_status work(pt_sim *s, pt_comm *comm)
{
    int worker = comm->rank - s->run->n_servers;
    size_t n = pt_payload_layout(s->run, worker, 0).total;
    double *payload = pt_calloc(n, sizeof *payload);
    pt_net *net = NULL;
    pt_client *c = NULL;
    pt_status st = payload ? PT_OK : pt_fail(PT_ERR_NOMEM, "no memory for a payload");

    if (st == PT_OK) st = pt_sim_net_create(s, &net);
    if (st == PT_OK) st = pt_client_create(s->run, comm, net, worker, &c);
    if (st == PT_OK) fill_payload(s, worker, 0, payload);
    for (uint64_t step = 0; st == PT_OK; step++) st = one_step(c, net, step, payload, n);
    return st; /* the process ends before a step fails */
}

/* ---- a server ---------------------------------------------------------------------- */

static pt_status serve(pt_sim *s, pt_comm *comm)
{
    pt_test_sizes tests = {0};
    pt_server *server = NULL;
    bool agreed;
    pt_status st = pt_server_create(s->run, comm, &tests, NULL, NULL, &server);

    return st == PT_OK ? pt_server_run(server, &agreed) : st;
}

/* ---- both -------------------------------------------------------------------------- */

void pt_sim_rank(pt_sim *s)
{
    pt_sim_carrier carrier;
    pt_comm comm;
    pt_status st;

    MPI_Init(NULL, NULL);
    st = pt_sim_carrier_init(&carrier, s, &comm);
    if (st == PT_OK)
        st = comm.rank < s->run->n_servers ? serve(s, &comm) : work(s, &comm);
    pt_log_error(pt_fail_text());
    _exit(pt_status_exit_code(st));
}

/* ---- the measured step ------------------------------------------------------------- */

/* The bytes of every link are those of the formula, or the simulation is not of this
 * program. */
static pt_status check_links(const pt_sim *s, uint64_t *busiest)
{
    int n = pt_trial_places(&s->trial);
    pt_traffic *expected = pt_calloc((size_t)n, sizeof *expected);
    pt_status st = expected ? pt_traffic_of_places(s->run, 0, s->run->host, expected)
                            : pt_fail(PT_ERR_NOMEM, "no memory for the links");

    *busiest = 0;
    for (int h = 0; h < n && st == PT_OK; h++) {
        uint64_t sent = s->links[h].sent - s->before[h].sent;
        uint64_t received = s->links[h].received - s->before[h].received;

        if (sent != expected[h].sent || received != expected[h].received)
            st = pt_fail(
                PT_ERR_BUG,
                "node %d sent %llu and received %llu bytes in a step, the formula "
                "says %llu and %llu",
                h, (unsigned long long)sent, (unsigned long long)received,
                (unsigned long long)expected[h].sent,
                (unsigned long long)expected[h].received);
        if (sent > *busiest) *busiest = sent;
        if (received > *busiest) *busiest = received;
    }
    free(expected);
    return st;
}

void pt_sim_record(pt_sim *s)
{
    double now = pt_clock();
    pt_answer a = {.step_s = now - s->record_s,
                   .messages = s->messages - s->messages_before};
    pt_status st;

    if (s->records++ == 0) {
        s->record_s = now;
        s->messages_before = s->messages;
        for (int h = 0; h < pt_trial_places(&s->trial); h++) s->before[h] = s->links[h];
        return;
    }
    st = check_links(s, &a.busiest);
    if (st == PT_OK) st = pt_answer_write(&a, stdout);
    if (st != PT_OK) pt_log_error(pt_fail_text());
    _exit(pt_status_exit_code(st));
}
