/* A weights file into a graph, which may have a source head. */
#ifndef PT_LAUNCH_START_WEIGHTS_H
#define PT_LAUNCH_START_WEIGHTS_H

#include "common/config.h"
#include "common/weights/weights.h"

/* pt_weights_load of n->weights into flat. options: with which g was made. own: its
 * source head gets the file's own classifier (LwF); else it stays as it is. */
PT_MUST_USE pt_status pt_start_weights_load(const Pt__Config__Network *n,
                                            const pt_graph_options *options,
                                            const pt_graph *g, bool own, float *flat,
                                            pt_weights_info *info);

#endif
