/* Keras weights in HDF5 (.h5): found by the attributes layer_names and weight_names, in
 * the root or in /model_weights (whole models).
 *
 * The data sets of a layer have many spellings ("uniform1", "conv1_W:0",
 * "conv1/kernel:0"), their order is fixed: kernel, bias; or gamma, beta, moving mean and
 * variance. Tensors are therefore named layer/role as TensorFlow.js does: "conv1/kernel",
 * "conv1/bias", "conv1_bn/gamma", "conv1_bn/beta", "conv1_bn/moving_mean",
 * "conv1_bn/moving_variance", "conv_dw_1/depthwise_kernel"; where the shapes are other,
 * layer/data set. */
#ifndef PT_COMMON_WEIGHTS_KERAS_H
#define PT_COMMON_WEIGHTS_KERAS_H

#include "common/weights/table.h"

/* Any floating point type. */
PT_MUST_USE pt_status pt_keras_open(const char *path, pt_table **out);

#endif
