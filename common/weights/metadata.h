/* What `ptrain export` writes beside the tensors of an ONNX model or a safetensors file,
 * by keys: the pixels that the network wants, and its classes. */
#ifndef PT_COMMON_WEIGHTS_METADATA_H
#define PT_COMMON_WEIGHTS_METADATA_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/weights/info.h"

/* all: an object of texts. Did `ptrain export` write it? */
bool pt_metadata_is_ours(const json_t *all);

/* Of ours: sets preprocessing and geometry of *info. PT_ERR_DATA for values that we never
 * write. path: for messages. */
PT_MUST_USE pt_status pt_metadata_pixels(const char *path, const json_t *all,
                                         pt_weights_info *info);

/* Of ours: as pt_model_class_names. */
PT_MUST_USE pt_status pt_metadata_classes(const char *path, const json_t *all,
                                          char ***names, size_t *n);

#endif
