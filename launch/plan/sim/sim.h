/* What all simulated ranks share: they are coroutines of one process and one thread. */
#ifndef PT_LAUNCH_PLAN_SIM_SIM_H
#define PT_LAUNCH_PLAN_SIM_SIM_H

#include "common/comm/carrier.h"
#include "common/run/traffic.h"
#include "launch/plan/question.h"
#include "launch/plan/sim/mailboxes.h"

typedef struct {
    pt_trial trial;
    pt_costs costs;
    pt_run *run;
    pt_mailboxes *mailboxes;            /* of messages that nobody reads */
    void *nothing;                      /* what is in them */
    double *sums;                       /* of batch norm, of the largest layer: nothing */
    pt_traffic *links;                  /* [places] that the ranks have posted */
    pt_traffic *before;                 /* [places] the same at the step record before */
    uint64_t messages, messages_before; /* over links, checksums not counted */
    int records;                        /* step records sent */
    double record_s;                    /* simulated time of the last one */
} pt_sim;

/* Rank 0 is about to send a step record: every payload is there, nobody computes, and
 * what was posted since the last one is one step. Ends the process with the answer once
 * steps are alike. */
void pt_sim_record(pt_sim *s);

/* One rank, from MPI_Init to the end of the simulation. */
void pt_sim_rank(pt_sim *s);

#endif
