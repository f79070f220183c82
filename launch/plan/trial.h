/* One layout that `ptrain plan` tries, and the run that it stands for: the same for the
 * command and for the simulated ranks. Pure. */
#ifndef PT_LAUNCH_PLAN_TRIAL_H
#define PT_LAUNCH_PLAN_TRIAL_H

#include "common/run/run.h"

typedef struct {
    const char *network; /* as pt_synthetic_graph */
    int nodes;    /* one worker on each */
    int servers;  /* server s is on node s % nodes, beside its worker */
    bool apart;   /* no: on node nodes + s, which it has to itself */
    bool sockets; /* messages go through TCP */
    int cores;    /* all nodes are on one machine of so many; 0: each rank has a core */
    int batch;    /* images per node and step */
    double link;  /* bytes per second that a node's link carries in each direction */
    double latency_s;
} pt_trial;

/* Nodes with those of the servers. */
int pt_trial_places(const pt_trial *t);

/* Virtual shards: the smallest power of two that gives each node one, but at least the
 * default of the configuration. */
int pt_trial_shards(int nodes);

/* The run: plain training with momentum and weight decay, everything trained, its steps
 * never ending. As pt_synthetic_graph. */
PT_MUST_USE pt_status pt_trial_run_create(const pt_trial *t, pt_run **out);

#endif
