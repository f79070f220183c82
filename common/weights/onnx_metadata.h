/* What an ONNX model says of itself beside its graph (its metadata_props). */
#ifndef PT_COMMON_WEIGHTS_ONNX_METADATA_H
#define PT_COMMON_WEIGHTS_ONNX_METADATA_H

#include <jansson.h>

#include "common/base/status.h"

/* *all: an object of texts, whoever wrote the file; the caller releases it. PT_ERR_DATA,
 * PT_ERR_IO, PT_ERR_NOMEM; *all is then NULL. Local. */
PT_MUST_USE pt_status pt_onnx_metadata_load(const char *path, json_t **all);

#endif
