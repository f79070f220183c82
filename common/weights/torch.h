/* PyTorch's legacy files (.th, .pth, not zip): five pickles, then raw storages.
 *
 *   magic, 1001, system, object, list of keys, { int64 count, values } for each key
 *
 * See torch_tensors.h for what the object may be. */
#ifndef PT_COMMON_WEIGHTS_TORCH_H
#define PT_COMMON_WEIGHTS_TORCH_H

#include "common/weights/table.h"

enum { PT_TORCH_MAGIC = 15 };
extern const unsigned char pt_torch_magic[PT_TORCH_MAGIC];

/* PT_ERR_DATA for what is broken or refused (see pickle.h). */
PT_MUST_USE pt_status pt_torch_open(const char *path, pt_table **out);

#endif
