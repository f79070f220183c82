/* Initialisers of an ONNX model: float32 and float16. Those that torch.onnx.export made,
 * of convolutions with batch norm folded into them, are named by the place of their node
 * among the convolutions: Conv.0/weight, Conv.0/bias. Nothing else of nodes is looked at.
 */
#ifndef PT_COMMON_WEIGHTS_ONNX_H
#define PT_COMMON_WEIGHTS_ONNX_H

#include "common/weights/table.h"

/* The file is read whole; unpacking may take
 * eight times its size and a megabyte, no more. */
PT_MUST_USE pt_status pt_onnx_open(const char *path, pt_table **out);

#endif
