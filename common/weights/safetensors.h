/* safetensors (Hugging Face): a 64-bit length, that many bytes of JSON which say where
 * each tensor lies, then the tensors, without gap or overlap. F32, F16, BF16 and F64 can
 * be read. What wrappers put before names is dropped (prefix.h). __metadata__ is
 * read by metadata.h. */
#ifndef PT_COMMON_WEIGHTS_SAFETENSORS_H
#define PT_COMMON_WEIGHTS_SAFETENSORS_H

#include <jansson.h>
#include <stdbool.h>

#include "common/weights/table.h"

enum { PT_SAFETENSORS_MAGIC = 9 };

/* Do the first bytes of a file, PT_SAFETENSORS_MAGIC or more of them, say that it is one?
 */
bool pt_safetensors_is(const uint8_t *bytes, size_t n, uint64_t file_size);

PT_MUST_USE pt_status pt_safetensors_open(const char *path, pt_table **out);

/* The object __metadata__, as pt_onnx_metadata_load; *all is NULL where there is none. */
PT_MUST_USE pt_status pt_safetensors_metadata_load(const char *path, json_t **all);

#endif
