/* What a byte costs the threads that write it to a socket and read it from one. */
#ifndef PT_LAUNCH_PLAN_SOCKETS_H
#define PT_LAUNCH_PLAN_SOCKETS_H

#include "launch/plan/costs.h"

/* Fills r->send and r->receive: seconds of CPU time per byte on this machine, over TCP
 * between two of its threads; the kernel's work is in it. PT_ERR_IO. */
PT_MUST_USE pt_status pt_measure_sockets(pt_cost_rates *r);

#endif
