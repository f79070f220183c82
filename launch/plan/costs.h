/* What the simulated ranks spend in the place of their arithmetic: seconds, measured or
 * estimated on one node. */
#ifndef PT_LAUNCH_PLAN_COSTS_H
#define PT_LAUNCH_PLAN_COSTS_H

#include "common/graph/graph.h"

/* Where a rank's messages meet its arithmetic, on the thread that calls MPI: seconds per
 * byte of the checksum, of one addition of two gradients, of the optimizer; of what is
 * written to a socket, and read from one. product: per multiply-add of a gradient that is
 * formed from factors. */
typedef struct {
    double checksum, addition, update, product;
    double send, receive;
} pt_cost_rates;

/* Of each layer, for all images of a node. */
typedef struct {
    double *forward, *data, *weights; /* [n_nodes], one allocation */
    int n_nodes;                      /* of the graph */
    pt_cost_rates rates;
} pt_costs;

/* PT_ERR_NOMEM. All are 0. */
PT_MUST_USE pt_status pt_costs_init(pt_costs *c, const pt_graph *g);
void pt_costs_fini(pt_costs *c);

/* Seconds of the layers: of a step without other ranks. */
double pt_costs_compute(const pt_costs *c);

#endif
