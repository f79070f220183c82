/* Initialisers of an ONNX model: float32 and float16. Nodes are not looked at. */
#ifndef PT_COMMON_WEIGHTS_ONNX_H
#define PT_COMMON_WEIGHTS_ONNX_H

#include "common/weights/table.h"

/* The file is read whole; unpacking may take
 * eight times its size and a megabyte, no more. */
PT_MUST_USE pt_status pt_onnx_open(const char *path, pt_table **out);

#endif
