/* Time in the place of arithmetic. This module defines the functions of
 * common/base/crc32c, common/run/sum and server/sgd that the ranks call: they read
 * nothing, and what they would have cost is owed until the rank's next message. */
#ifndef PT_LAUNCH_PLAN_SIM_COST_H
#define PT_LAUNCH_PLAN_SIM_COST_H

#include <simgrid/host.h>

#include "launch/plan/costs.h"

/* Before the first rank starts. resolution_s: of the simulation. */
void pt_cost_set(const pt_cost_rates *rates, double resolution_s);

/* Ranks share the cores of this one machine. */
void pt_cost_share(sg_host_t machine);

/* Whose debt grows from now on; call wherever another rank may have run. Borrows it. */
void pt_cost_of(double *owed_s);

void pt_cost_owe(double seconds);

/* Of multiply-adds of products (common/run/outer.h). */
void pt_cost_products(double n);

/* Simulated time passes for what is owed. Less than the simulation's resolution stays
 * owed, as SimGrid would make it that. */
void pt_cost_pay(void);

#endif
