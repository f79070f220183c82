/* Biases of convolutions that stand before a batch norm, which our networks do not have.
 *
 * A batch norm subtracts the mean from what it reads, so that conv + bias with the mean m
 * is conv with the mean m - bias: the same function, to the rounding of float32, under
 * running statistics and under those of a batch. What is lost is a parameter that
 * training could have moved under running statistics only, where it does what beta does.
 */
#ifndef PT_COMMON_WEIGHTS_FOLD_H
#define PT_COMMON_WEIGHTS_FOLD_H

#include "common/weights/names.h"

/* Subtracts such biases from the running means in flat (which are those of the file).
 * PT_ERR_WEIGHTS where the number of values is not that of the channels. Nothing where
 * the rule knows of none. */
PT_MUST_USE pt_status pt_fold_conv_biases(const pt_table *t, const pt_naming *rule,
                                          const pt_graph *g, float *flat);

#endif
