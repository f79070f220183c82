/* Starting the simulator, ptrain-plan, which is beside this program where SimGrid was
 * installed when it was built. */
#ifndef PT_LAUNCH_PLAN_SIMULATE_H
#define PT_LAUNCH_PLAN_SIMULATE_H

#include <sys/types.h>

#include "launch/plan/question.h"

/* PT_ERR_USAGE, saying what to install, if there is no simulator. */
PT_MUST_USE pt_status pt_simulator_find(void);

/* A simulation under way. Zeroed = none. */
typedef struct {
    pid_t pid;
    FILE *answer;
    double since; /* pt_clock at its start */
} pt_simulation;

/* Starts one and returns at once. PT_ERR_IO. */
PT_MUST_USE pt_status pt_simulation_start(const pt_trial *t, const pt_costs *c,
                                          pt_simulation *s);

/* Waits for its answer until limit_s after its start. *answered: it came; else the
 * simulation was ended. PT_ERR_DATA if it failed; it has printed why. */
PT_MUST_USE pt_status pt_simulation_end(pt_simulation *s, const pt_trial *t,
                                        double limit_s, pt_answer *a, bool *answered);

/* Ends it without an answer, if there is one. */
void pt_simulation_stop(pt_simulation *s);

#endif
