#include "launch/plan/sim/cost.h"

#include <simgrid/actor.h>
#include <simgrid/engine.h>
#include <simgrid/exec.h>

#include "common/base/crc32c.h"
#include "common/run/sum.h"
#include "server/sgd.h"

/* One thread runs all ranks. */
static struct {
    pt_cost_rates rates;
    double resolution_s;
    sg_host_t machine; /* NULL: each rank has a core */
    double *owed_s;    /* of the rank that runs */
} cost;

void pt_cost_set(const pt_cost_rates *rates, double resolution_s)
{
    cost.rates = *rates;
    cost.resolution_s = resolution_s;
}

void pt_cost_share(sg_host_t machine)
{
    cost.machine = machine;
}

void pt_cost_of(double *owed_s)
{
    cost.owed_s = owed_s;
}

void pt_cost_owe(double seconds)
{
    *cost.owed_s += seconds;
}

void pt_cost_products(double n)
{
    pt_cost_owe(cost.rates.product * n);
}

/* Simulated time passes for s seconds of a core. Returns those that are left: SimGrid
 * ends a sleep together with an event that comes up to its resolution earlier. */
static double spend(double s)
{
    double start = simgrid_get_clock();
    sg_exec_t work;

    if (!cost.machine) {
        sg_actor_sleep_for(s);
        return s - (simgrid_get_clock() - start);
    }
    work = sg_actor_exec_init(s * sg_host_get_speed(cost.machine));
    sg_exec_set_host(work, cost.machine);
    sg_exec_start(work);
    sg_exec_wait(work);
    return 0; /* how early it ended cannot be seen: others had the cores as well */
}

void pt_cost_pay(void)
{
    double *owed_s = cost.owed_s, s = *owed_s;

    if (s < cost.resolution_s || s <= 0) return;
    *owed_s = spend(s);
    cost.owed_s = owed_s;
}

uint32_t pt_crc32c(uint32_t crc, const void *data, size_t n)
{
    pt_cost_owe(cost.rates.checksum * (double)n);
    return 0;
}

void pt_sum_add(float *restrict into, const float *restrict from, size_t n)
{
    pt_cost_owe(cost.rates.addition * (double)(n * sizeof *into));
}

bool pt_sgd_step(float *w, float *v, const float *g, size_t n, const pt_sgd *o)
{
    pt_cost_owe(cost.rates.update * (double)(n * sizeof *w));
    return true;
}
