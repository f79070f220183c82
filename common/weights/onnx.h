/* Tensors of an ONNX model, whose values stay in the file, or beside it (external data),
 * until they are read: initialisers; Constant nodes under the names of their outputs; and
 * the names under which Identity nodes pass on what was written once. Those that
 * torch.onnx.export made, of convolutions with batch norm folded into them, are named by
 * the place of their node among the convolutions: Conv.0/weight, Conv.0/bias. */
#ifndef PT_COMMON_WEIGHTS_ONNX_H
#define PT_COMMON_WEIGHTS_ONNX_H

#include "common/weights/table.h"

/* A file of external data that is missing, too short, or not below the model's folder is
 * refused at once, with its name and both sizes. */
PT_MUST_USE pt_status pt_onnx_open(const char *path, pt_table **out);

#endif
