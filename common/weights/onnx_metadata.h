/* What an ONNX model that `ptrain export` wrote says of itself beside its graph: the
 * pixels that it wants and its classes (launch/export writes it as metadata_props). */
#ifndef PT_COMMON_WEIGHTS_ONNX_METADATA_H
#define PT_COMMON_WEIGHTS_ONNX_METADATA_H

#include <stddef.h>

#include "common/weights/info.h"

/* Sets preprocessing and geometry of *info, which stays as it is where another program
 * wrote the file. PT_ERR_DATA for values that we never write. Local. */
PT_MUST_USE pt_status pt_onnx_metadata_read(const char *path, pt_weights_info *info);

/* As pt_model_class_names. */
PT_MUST_USE pt_status pt_onnx_metadata_classes(const char *path, char ***names,
                                               size_t *n);

#endif
