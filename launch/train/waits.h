/* What the ranks have counted by themselves during a run, gathered at its end. */
#ifndef PT_LAUNCH_TRAIN_WAITS_H
#define PT_LAUNCH_TRAIN_WAITS_H

#include "common/run/run.h"
#include "server/hooks.h"
#include "worker/step.h"

/* Seconds of this job. */
typedef struct {
    int n_tensors, n_servers;
    double *tensors; /* [n_tensors] that workers waited for its weights, added up */
    double *servers; /* [n_servers] that workers waited for weights from it, added up */
    double sending;  /* in which the busiest server had weights under way */
    pt_server_costs *costs; /* [n_servers] */
} pt_waits;

/* Collective. w, costs: this rank's; the other one is NULL. *out: on rank 0, zeros
 * elsewhere. A failure ends the job. */
void pt_waits_gather(const pt_run *r, const pt_worker *w, const pt_server_costs *costs,
                     pt_waits *out);
void pt_waits_fini(pt_waits *w);

/* The tensor whose weights were waited for longest; -1: none was. */
int pt_waits_longest(const pt_waits *w);

#endif
