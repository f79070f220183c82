/* What `ptrain export` writes beside the tensors of an ONNX model or a safetensors file,
 * by keys: the pixels that the network wants, and its classes. */
#ifndef PT_COMMON_WEIGHTS_METADATA_H
#define PT_COMMON_WEIGHTS_METADATA_H

#include <stddef.h>

#include "common/weights/info.h"

/* Sets preprocessing and geometry of *info, which stays as it is where another program
 * wrote the file, or the format has no room for them. PT_ERR_DATA for values that we
 * never write. Local. */
PT_MUST_USE pt_status pt_metadata_pixels(const char *path, pt_format format,
                                         pt_weights_info *info);

/* As pt_model_class_names; no names where there are none. */
PT_MUST_USE pt_status pt_metadata_classes(const char *path, pt_format format,
                                          char ***names, size_t *n);

#endif
