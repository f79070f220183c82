/* AdaRand's targets (Yamaguchi et al., CVPR 2024; their program yshinya6/adarand):
 * N(mean_y, deviation_y^2) for class y. Means and deviations begin as those of the
 * pretrained features of the class; after each step Adam moves the means down
 *
 *     mean over k of (cos(mean_k, running_k) - 1)^2
 *         + mean over j != k of cos(mean_j, mean_k)^2
 *
 * where running_k is the moving average of the batches' class means. Pure; computed in
 * double, kept in float, so that a checkpoint holds all of it. Cost of a step: C^2 D. */
#ifndef PT_SERVER_METHODS_ADARAND_H
#define PT_SERVER_METHODS_ADARAND_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/status.h"

/* Floats of the state: [C][D] means, deviations, running means, Adam's two moments; then
 * the number of moves. */
size_t pt_adarand_floats(int classes, int dims);

/* The first state, from features [n][dims] with labels [n]. A class without an image has
 * mean 0 and deviation 1. */
PT_MUST_USE pt_status pt_adarand_init(float *state, int classes, int dims,
                                      const float *features, const int32_t *labels,
                                      size_t n);

/* out [dims]: the target of the image at `position` of the batch of `step`. scratch
 * [dims]. */
void pt_adarand_target(const float *state, int classes, int dims, int label,
                       uint64_t seed, uint64_t step, int position, float *scratch,
                       double *out);

/* Doubles of scratch that pt_adarand_move needs. */
size_t pt_adarand_scratch(int classes, int dims);

/* After a step: rows [b] at a distance of `stride` doubles, label first, the
 * representation at rep_at. lr, decay: of this step. scratch: pt_adarand_scratch()
 * doubles. */
void pt_adarand_move(float *state, int classes, int dims, const double *rows, int b,
                     size_t stride, size_t rep_at, double lr, double decay,
                     double *scratch);

#endif
