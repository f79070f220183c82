/* ptrain-plan: one step of a job of many nodes, simulated. `ptrain plan` starts it. */
#include <math.h>
#include <stdio.h>

#include <simgrid/engine.h>
#include <smpi/smpi.h>

#include "common/base/log.h"
#include "launch/plan/sim/cost.h"
#include "launch/plan/sim/platform.h"
#include "launch/plan/sim/sim.h"
#include "launch/plan/sim/unwritten.h"

enum { EVENTS = 1000 };

static const char name[] = "ptrain";

/* The job is one per process: SMPI starts a rank without an argument of ours. */
static pt_sim sim;

static void start_rank(int argc, char **argv)
{
    pt_sim_rank(&sim);
}

/* Events that are closer than this are one: a small part of what a step takes at least.
 * Without it every message of thousands that end together would have the rates of all
 * others computed again. */
static double resolution(void)
{
    pt_trial *t = &sim.trial;
    double model = (double)sim.run->graph->n_param_floats * sizeof(float);
    double link_s = model * t->nodes / t->servers / t->link;

    return fmax(link_s, pt_costs_compute(&sim.costs)) / EVENTS;
}

static pt_status read_request(void)
{
    pt_trial *t = &sim.trial;
    pt_status s = pt_question_read(stdin, t, &sim.costs);
    size_t places = (size_t)pt_trial_places(t), most = 0;

    if (s == PT_OK) s = pt_trial_run_create(t, &sim.run);
    if (s != PT_OK) return s;
    for (int i = 0; i < sim.run->graph->n_nodes; i++) {
        size_t len = pt_exchange_len(sim.run->graph->nodes[i].c, false);

        if (sim.run->graph->nodes[i].op == PT_OP_BATCH_NORM && len > most) most = len;
    }
    sim.sums = pt_calloc(pt_mul(most, PT_MAX_COVER) + 1, sizeof *sim.sums);
    sim.links = pt_calloc(2 * places, sizeof *sim.links);
    sim.before = sim.links + places;
    sim.mailboxes = pt_mailboxes_create();
    if (!sim.sums || !sim.links || !sim.mailboxes)
        return pt_fail(PT_ERR_NOMEM, "no memory for %zu simulated nodes", places);
    pt_cost_set(&sim.costs.rates, resolution());
    return PT_OK;
}

/* SimGrid takes its settings as words of a command line. CM02 is its network model
 * without correction factors: a link carries what the platform says. */
static void start_simgrid(void)
{
    char precision[64];
    char *words[] = {"ptrain-plan",
                     "--log=root.thres:error",
                     precision,
                     "--cfg=network/model:CM02",
                     "--cfg=network/crosstraffic:0",
                     "--cfg=network/TCP-gamma:0",
                     "--cfg=smpi/simulate-computation:no",
                     "--cfg=smpi/host-speed:1Gf",
                     "--cfg=smpi/test:0",
                     "--cfg=contexts/stack-size:512",
                     NULL};
    int n = (int)(sizeof words / sizeof *words) - 1;

    snprintf(precision, sizeof precision, "--cfg=surf/precision:%.3g", resolution());
    simgrid_init(&n, words);
}

static pt_status simulate(void)
{
    pt_status s;

    start_simgrid();
    s = pt_platform_load(&sim.trial);
    if (s != PT_OK) return s;
    SMPI_app_instance_register(name, (xbt_main_func_t)(void (*)(void))start_rank,
                               sim.trial.servers + sim.trial.nodes);
    SMPI_init();
    s = pt_platform_place(&sim.trial, sim.run->host, name);
    if (s != PT_OK) return s;
    simgrid_run(); /* the process ends within */
    return pt_fail(PT_ERR_BUG, "the simulation ended without an answer");
}

int main(void)
{
    pt_status s;

    pt_unwritten_begin();
    s = read_request();

    if (s == PT_OK) s = simulate();
    pt_log_error(pt_fail_text());
    return pt_status_exit_code(s);
}
