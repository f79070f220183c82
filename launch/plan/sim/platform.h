/* The simulated cluster: equal nodes, each with one link to a switch that never is the
 * bottleneck; and which rank runs where. */
#ifndef PT_LAUNCH_PLAN_SIM_PLATFORM_H
#define PT_LAUNCH_PLAN_SIM_PLATFORM_H

#include "launch/plan/trial.h"

/* Into SimGrid, which must be initialized; the ranks after SMPI. They run the function
 * and instance that is registered as `name`. PT_ERR_IO. */
PT_MUST_USE pt_status pt_platform_load(const pt_trial *t);
PT_MUST_USE pt_status pt_platform_place(const pt_trial *t, const int *host,
                                        const char *name);

#endif
