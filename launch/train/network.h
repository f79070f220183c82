/* The network of a run: one of ours by its name, or the one that a file describes
 * (network.graph). Rank 0 reads files; the others get what it found. */
#ifndef PT_LAUNCH_TRAIN_NETWORK_H
#define PT_LAUNCH_TRAIN_NETWORK_H

#include "common/config/config.h"
#include "common/graph/graph.h"

/* The run's own copy of what network.graph describes: graph and start weights. */
#define PT_START_FILE "start.h5"

typedef struct {
    Pt__Config__Network files; /* as configured, but with the files that are read: graph
                                  and weights; borrows */
    pt_graph *like; /* what network.graph describes; NULL: the network is one of ours */
    pt_graph_options options;
    char *kept; /* run.dir/PT_START_FILE, if that is read */
} pt_network;

/* From the configuration, the graph file and the start weights, for so many classes, and
 * n_source of a second data set (0: none). Where the file of network.graph is gone,
 * PT_START_FILE of the run's directory stands for it. Borrows c. *out is to be ended by
 * fini, also after a failure. Collective. */
PT_MUST_USE pt_status pt_network_share(const pt_config *c, int n_classes, int n_source,
                                       pt_network *out);
void pt_network_fini(pt_network *n);

/* The graph that it calls for. Local. */
PT_MUST_USE pt_status pt_network_make(const pt_network *n, pt_graph **out);

/* What lines call it: its name, or the file that describes it. */
const char *pt_network_title(const Pt__Config__Network *n);

#endif
