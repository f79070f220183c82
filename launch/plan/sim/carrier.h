/* SMPI as the carrier of pt_comm's messages: common/comm/comm_mpi, and in front of it
 * what a simulation needs. Gradients, weights and batch norm's sums are not read: they
 * go through mailboxes of SimGrid's own, without contents. Waits wait in MPI. Before
 * every call a rank pays for its arithmetic. What crosses links is counted. */
#ifndef PT_LAUNCH_PLAN_SIM_CARRIER_H
#define PT_LAUNCH_PLAN_SIM_CARRIER_H

#include "common/comm/comm_mpi.h"
#include "launch/plan/sim/sim.h"

typedef struct {
    pt_comm_mpi mpi;
    const pt_comm_ops *ops; /* comm_mpi's */
    pt_sim *sim;
    int rank;
    double owed_s; /* launch/plan/sim/cost.h */

    /* Sends under way, oldest first: handles of the requests' own. */
    uintptr_t **sends; /* [room], a ring */
    size_t room, first, n;
} pt_sim_carrier;

/* Collective on the world; after MPI_Init. Borrows s; *k must not move. */
PT_MUST_USE pt_status pt_sim_carrier_init(pt_sim_carrier *k, pt_sim *s, pt_comm *out);

#endif
