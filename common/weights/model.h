/* Our own model file (HDF5; its contents are listed at pt_weights_save). */
#ifndef PT_COMMON_WEIGHTS_MODEL_H
#define PT_COMMON_WEIGHTS_MODEL_H

#include <stdbool.h>

#include "common/data/h5file.h"
#include "common/weights/table.h"
#include "common/weights/weights.h"

/* Whether the root says format = "ptrain-model". */
bool pt_model_is(const pt_h5file *f);

/* Reads the record: everything in *info but the weights. PT_ERR_DATA if it is not whole.
 */
PT_MUST_USE pt_status pt_model_inspect(const char *path, pt_weights_info *info);

/* Opening reads all tensors once and compares the weight hash:
 * PT_ERR_DATA if it differs, so a file that opens holds what was saved. */
PT_MUST_USE pt_status pt_model_open(const char *path, pt_table **out);

#endif
