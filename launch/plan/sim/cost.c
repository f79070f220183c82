#include "launch/plan/sim/cost.h"

#include <simgrid/actor.h>

#include "common/base/crc32c.h"
#include "common/run/sum.h"
#include "server/sgd.h"

/* One thread runs all ranks. */
static struct {
    pt_cost_rates rates;
    double resolution_s;
    double *owed_s; /* of the rank that runs */
} cost;

void pt_cost_set(const pt_cost_rates *rates, double resolution_s)
{
    cost.rates = *rates;
    cost.resolution_s = resolution_s;
}

void pt_cost_of(double *owed_s)
{
    cost.owed_s = owed_s;
}

void pt_cost_owe(double seconds)
{
    *cost.owed_s += seconds;
}

void pt_cost_pay(void)
{
    double *owed_s = cost.owed_s, s = *owed_s;

    if (s < cost.resolution_s || s <= 0) return;
    *owed_s = 0;
    sg_actor_sleep_for(s);
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
