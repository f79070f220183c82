/* One step's exchange of all parameters: what ptrain's workers and servers do with it
 * (worker/client, server/gather, server/update, with a net that does nothing) against
 * MPI_Allreduce and MPI_Reduce + MPI_Bcast among the same workers, by turns.
 *
 *     mpirun -n 8 bench_exchange resnet50 4 5 [ptrain]
 *
 * 4 servers are ranks 0 to 3 and the others workers, 5 rounds [of the first one only];
 * exchange.sh runs it on hosts with rate-limited links. A round's time is that of the
 * slowest worker, from complete gradients everywhere to new weights everywhere (MPI:
 * their sum). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mpi.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/comm/job.h"
#include "common/run/synthetic.h"
#include "server/update.h"
#include "tests/bench/measure.h"
#include "worker/client.h"

enum { MAX_ROUNDS = 100, SHARDS = 8, BATCH = 32 };

typedef enum { PTRAIN, ALLREDUCE, REDUCE_BCAST, METHODS } method;
static const char *const names[METHODS] = {"ptrain", "allreduce", "reduce_bcast"};

/* The net that does nothing: the client gives it its hooks and takes its gradients. */
struct pt_net {
    const pt_graph *graph;
    pt_net_hooks hooks;
    float *gradient; /* [covers][n_param_floats] */
};

void pt_net_set_hooks(pt_net *n, const pt_net_hooks *hooks)
{
    n->hooks = *hooks;
}

float *pt_net_gradient(pt_net *n, int tensor, int cover)
{
    return n->gradient + (size_t)cover * n->graph->n_param_floats +
           n->graph->tensors[tensor].offset;
}

/* Gradients are compared, not factors. */
void pt_net_want_rows(pt_net *n, int tensor, const bool *rows)
{
}

void pt_net_factors(const pt_net *n, int tensor, const float **x, const float **dy)
{
    *x = *dy = n->gradient;
}

typedef struct {
    pt_run *run;
    pt_net net;
    pt_client *client;
    pt_store *store;
    pt_gather *gather;
    pt_update *update;
    bool works;
    MPI_Comm workers;
    uint64_t step;
} exchange;

static pt_status make_config(const char *network, pt_config **out)
{
    Pt__Config__Config c = PT__CONFIG__CONFIG__INIT;
    Pt__Config__Data data = PT__CONFIG__DATA__INIT;
    Pt__Config__Network net = PT__CONFIG__NETWORK__INIT;
    Pt__Config__Server server = PT__CONFIG__SERVER__INIT;
    Pt__Config__Stage stage = PT__CONFIG__STAGE__INIT, *stages[] = {&stage};

    c.has_shards = data.has_batch = net.has_batch_norm = stage.has_steps =
        server.has_factors = true;
    c.shards = SHARDS;
    data.batch = BATCH;
    net.name = (char *)(uintptr_t)network;
    net.batch_norm = PT__CONFIG__BATCH_NORM__FROZEN;
    stage.steps = 2 * MAX_ROUNDS;
    server.factors = PT__CONFIG__SERVER__FACTORS__OFF;
    c.server = &server;
    c.data = &data;
    c.network = &net;
    c.n_stages = 1;
    c.stages = stages;
    return pt_config_copy(&c, out);
}

static pt_status make_run(const char *network, int n_servers, pt_run **out)
{
    pt_config *c = NULL;
    pt_status s = make_config(network, &c);

    *out = NULL;
    return s == PT_OK
               ? pt_run_create_synthetic(c, n_servers, pt_job_size() - n_servers, out)
               : s;
}

static pt_status make_worker(exchange *x)
{
    size_t n = x->run->graph->n_param_floats;
    int worker = pt_job_rank() - x->run->n_servers, lo, hi;
    pt_subtree cover[PT_MAX_COVER];

    pt_worker_shards(worker, x->run->n_workers, SHARDS, &lo, &hi);
    n *= (size_t)pt_tree_cover(lo, hi, SHARDS, cover);
    x->net.graph = x->run->graph;
    x->net.gradient = measure_floats(n);
    for (size_t i = 0; i < n; i++) x->net.gradient[i] = 1e-3f * (float)(i % 7);
    return pt_client_create(x->run, pt_job_comm(), &x->net, worker, &x->client);
}

static pt_status make_server(exchange *x)
{
    pt_status s = pt_store_create(x->run, pt_job_rank(), &x->store);

    if (s == PT_OK) s = pt_gather_create(x->run, pt_job_comm(), &x->gather);
    if (s == PT_OK)
        s = pt_update_create(x->run, pt_job_comm(), x->store, x->gather, &x->update);
    if (s == PT_OK) pt_update_enter_stage(x->update);
    return s;
}

static pt_status push_and_pull(exchange *x)
{
    pt_status s = pt_client_begin_step(x->client, x->step);

    for (int t = x->run->graph->n_params - 1; t >= 0 && s == PT_OK; t--) {
        s = x->net.hooks.gradient_ready(x->client, t);
        x->net.hooks.poll(x->client);
    }
    if (s == PT_OK) s = pt_client_end_step(x->client);
    return s == PT_OK ? pt_client_settle(x->client) : s;
}

static pt_status serve(exchange *x)
{
    Pt__Record__StepRecord r = PT__RECORD__STEP_RECORD__INIT;
    pt_status s;

    r.step = x->step;
    r.lr = r.head_lr = 1e-4f;
    s = pt_update_keys(x->update, &r);
    return s == PT_OK ? pt_update_settle(x->update) : s;
}

static void add_by_mpi(exchange *x, method m)
{
    int n = (int)x->run->graph->n_param_floats;
    float *from = x->net.gradient, *to = x->run->flat;

    if (m == ALLREDUCE) {
        MPI_Allreduce(from, to, n, MPI_FLOAT, MPI_SUM, x->workers);
    } else {
        MPI_Reduce(from, to, n, MPI_FLOAT, MPI_SUM, 0, x->workers);
        MPI_Bcast(to, n, MPI_FLOAT, 0, x->workers);
    }
}

/* Collective: *seconds of the slowest worker, on the first worker. Servers wait asleep
 * where they have nothing to do. */
static pt_status run_round(exchange *x, method m, double *seconds)
{
    pt_status s = pt_job_agree(PT_OK);
    double start = pt_clock();

    if (s != PT_OK) return s;
    if (x->works) {
        double mine;

        if (m == PTRAIN)
            s = push_and_pull(x);
        else
            add_by_mpi(x, m);
        if (s != PT_OK) pt_job_die(s);
        mine = pt_clock() - start;
        MPI_Reduce(&mine, seconds, 1, MPI_DOUBLE, MPI_MAX, 0, x->workers);
    } else if (m == PTRAIN) {
        s = serve(x);
        if (s != PT_OK) pt_job_die(s);
    }
    if (m == PTRAIN) x->step++;
    return PT_OK;
}

static void print(const exchange *x, double seconds[METHODS][MAX_ROUNDS], int rounds,
                  int methods)
{
    for (int m = 0; m < methods; m++) {
        double median = measure_median(seconds[m], (size_t)rounds);

        printf("%s %d servers %d workers %zu floats: %.3f s (%.3f to %.3f)\n", names[m],
               x->run->n_servers, x->run->n_workers, x->run->graph->n_param_floats,
               median, seconds[m][0], seconds[m][rounds - 1]);
    }
}

static pt_status measure(exchange *x, int rounds, int methods)
{
    static double seconds[METHODS][MAX_ROUNDS];
    pt_status s = PT_OK;

    MPI_Comm_split(MPI_COMM_WORLD, x->works, 0, &x->workers);
    for (int r = -1; r < rounds; r++) /* the first one warms up */
        for (int m = 0; m < methods && s == PT_OK; m++)
            s = run_round(x, (method)m, &seconds[m][r < 0 ? 0 : r]);
    MPI_Comm_free(&x->workers);
    if (s == PT_OK && pt_job_rank() == x->run->n_servers)
        print(x, seconds, rounds, methods);
    return s;
}

static pt_status check(int argc, char **argv)
{
    int servers = argc >= 4 ? atoi(argv[2]) : 0, rounds = argc >= 4 ? atoi(argv[3]) : 0;

    return servers >= 1 && servers < pt_job_size() && rounds >= 1 && rounds <= MAX_ROUNDS
               ? PT_OK
               : pt_fail(PT_ERR_USAGE,
                         "usage: bench_exchange NETWORK SERVERS ROUNDS [ptrain]");
}

int main(int argc, char **argv)
{
    exchange x = {0};
    pt_status s = pt_job_start(&argc, &argv);

    if (s == PT_OK) s = pt_job_agree(check(argc, argv));
    if (s == PT_OK) s = pt_job_agree(make_run(argv[1], atoi(argv[2]), &x.run));
    x.works = s == PT_OK && pt_job_rank() >= x.run->n_servers;
    if (s == PT_OK) s = pt_job_agree(x.works ? make_worker(&x) : make_server(&x));
    if (s == PT_OK) s = measure(&x, atoi(argv[3]), argc > 4 ? 1 : METHODS);
    pt_client_destroy(&x.client);
    pt_update_destroy(&x.update);
    pt_gather_destroy(&x.gather);
    pt_store_destroy(&x.store);
    free(x.net.gradient);
    pt_run_destroy(&x.run);
    return pt_job_end(s);
}
