/* safetensors (Hugging Face): a 64-bit length, that many bytes of JSON which say where
 * each tensor lies, then the tensors, without gap or overlap. F32, F16, BF16 and F64 can
 * be read. What wrappers put before names is dropped (prefix.h). __metadata__ is
 * read where `ptrain export` wrote it (metadata.h). */
#ifndef PT_COMMON_WEIGHTS_SAFETENSORS_H
#define PT_COMMON_WEIGHTS_SAFETENSORS_H

#include <stdbool.h>

#include "common/weights/info.h"
#include "common/weights/table.h"

enum { PT_SAFETENSORS_MAGIC = 9 };

/* Do the first bytes of a file, PT_SAFETENSORS_MAGIC or more of them, say that it is one?
 */
bool pt_safetensors_is(const uint8_t *bytes, size_t n, uint64_t file_size);

PT_MUST_USE pt_status pt_safetensors_open(const char *path, pt_table **out);

/* As pt_onnx_metadata_read and pt_onnx_metadata_classes. */
PT_MUST_USE pt_status pt_safetensors_metadata_read(const char *path,
                                                   pt_weights_info *info);
PT_MUST_USE pt_status pt_safetensors_metadata_classes(const char *path, char ***names,
                                                      size_t *n);

#endif
