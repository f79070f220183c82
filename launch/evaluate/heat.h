/* Where in a picture a class is seen: the gradient of its logit times the activation at
 * the last map on the way to the representation, summed over channels (Draelos and Carin,
 * "Use HiResCAM instead of Grad-CAM", 2020). Where the representation is the map's mean
 * and a linear layer stands on it, this is the class activation map of Zhou et al. (CVPR
 * 2016) and, before its ReLU, Grad-CAM (Selvaraju et al., ICCV 2017). Local. */
#ifndef PT_LAUNCH_EVALUATE_HEAT_H
#define PT_LAUNCH_EVALUATE_HEAT_H

#include "launch/evaluate/evaluate.h"

typedef struct pt_heat pt_heat;

/* For pictures of m, which is borrowed. PT_ERR_USAGE where there is no such map, or where
 * the logits do not depend on it alone. */
PT_MUST_USE pt_status pt_heat_create(const pt_classifier *m, pt_heat **out);
void pt_heat_destroy(pt_heat **h);

/* The node of the map: VGG-16's last max pool, elsewhere what is averaged. */
int pt_heat_node(const pt_heat *h);

/* heat [h][w] of `class`, from map [h][w][c], the output of that node for one picture:
 * one pass of the layers above the map, forward and back. */
PT_MUST_USE pt_status pt_heat_of(pt_heat *h, const float *map, int class, float *heat);

/* The network's view of the picture, pixels [side][side][3] as they are fed to it, in
 * grey, with `heat` [h][w] over it in red: what is positive, the largest value in full.
 * A PNG file. */
PT_MUST_USE pt_status pt_heat_write(const pt_classifier *m, const float *pixels,
                                    const float *heat, int h, int w, const char *path);

#endif
