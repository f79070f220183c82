/* A run without data, for measurements and plans. */
#ifndef PT_COMMON_RUN_SYNTHETIC_H
#define PT_COMMON_RUN_SYNTHETIC_H

#include "common/run/run.h"

/* Is `network` a file whose own graph is meant: does it end with .onnx or .h5? */
bool pt_synthetic_of_file(const char *network);

/* Names it in a configuration: as network.graph if it is such a file, else as
 * network.name. */
void pt_synthetic_configure(Pt__Config__Network *n, const char *network);

/* The graph of a network's name, or of such a file, on its own input and for its own
 * number of classes. PT_ERR_CONFIG for an unknown name; for a file as pt_weights_graph.
 */
PT_MUST_USE pt_status pt_synthetic_graph(const char *network, float dropout,
                                         pt_graph **out);

/* The run of config, on pt_synthetic_graph of its network; its images 0, 1, ... are one
 * batch, and an epoch is that batch. Takes config, also on failure. As
 * pt_synthetic_graph. */
PT_MUST_USE pt_status pt_run_create_synthetic(pt_config *config, int n_servers,
                                              int n_workers, pt_run **out);

#endif
