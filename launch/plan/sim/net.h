/* A network that takes time instead of computing: the functions of
 * worker/engine/net/net.h that a worker's client calls, and the two passes, which call
 * the hooks in the order in which the real ones do. */
#ifndef PT_LAUNCH_PLAN_SIM_NET_H
#define PT_LAUNCH_PLAN_SIM_NET_H

#include "launch/plan/sim/sim.h"
#include "worker/engine/net/net.h"

/* Borrows s. PT_ERR_NOMEM. */
PT_MUST_USE pt_status pt_sim_net_create(pt_sim *s, pt_net **out);

PT_MUST_USE pt_status pt_sim_net_forward(pt_net *n);

/* From the logits to the representation, which the payload waits for. */
void pt_sim_net_backward_head(pt_net *n);
PT_MUST_USE pt_status pt_sim_net_backward(pt_net *n);

#endif
