/* A weights file into a graph, which may have a source head. */
#ifndef PT_LAUNCH_TRAIN_START_WEIGHTS_H
#define PT_LAUNCH_TRAIN_START_WEIGHTS_H

#include "common/config/config.h"
#include "common/weights/weights.h"

/* pt_weights_load of n->weights into flat. options: with which g was made. own: its
 * source head gets the file's own classifier; else it stays as it is. */
PT_MUST_USE pt_status pt_start_weights_load(const Pt__Config__Network *n,
                                            const pt_graph_options *options,
                                            const pt_graph *g, bool own, float *flat,
                                            pt_weights_info *info);

/* One line of what was read: "weights: FILE (PyTorch, torchvision names): 50 of 52
 * tensors, head replaced (1000 -> 17 classes), preprocessing RGB ...". used: what the
 * images get. */
void pt_start_weights_print(const pt_config *c, const Pt__Config__Network *n,
                            const pt_graph *g, const pt_weights_info *info,
                            const pt_preprocess *used);

/* A `warn:` each for tensors that the network leaves out, and for pixels that the weights
 * were not trained on. */
void pt_start_weights_warn(const Pt__Config__Network *n, const pt_weights_info *info,
                           const pt_preprocess *used);

#endif
