/* Where in a picture a class is seen: the gradient of its logit times the activation at
 * the map whose mean the representation is, summed over channels (Zhou et al., "Learning
 * Deep Features for Discriminative Localization", CVPR 2016; for such networks the same
 * as Grad-CAM, Selvaraju et al., ICCV 2017, before its ReLU). Local. */
#ifndef PT_LAUNCH_EVALUATE_HEAT_H
#define PT_LAUNCH_EVALUATE_HEAT_H

#include "launch/evaluate/evaluate.h"

/* The node of that map. PT_ERR_USAGE where the representation is no mean of a map, or
 * where more than a linear layer stands between it and the logits. */
PT_MUST_USE pt_status pt_heat_node(const pt_graph *g, int *node);

/* heat [h][w] of `class`, from map [h][w][c], the output of `node`. */
void pt_heat_of(const pt_classifier *m, int node, const float *map, int class,
                float *heat);

/* The network's view of the picture, pixels [side][side][3] as they are fed to it, in
 * grey, with `heat` [h][w] over it in red: what is positive, the largest value in full.
 * A PNG file. */
PT_MUST_USE pt_status pt_heat_write(const pt_classifier *m, const float *pixels,
                                    const float *heat, int h, int w, const char *path);

#endif
