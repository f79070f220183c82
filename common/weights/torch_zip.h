/* PyTorch's zip files (.pth, .pt, .bin: torch.save since 1.6). Below one directory, of
 * any name: data.pkl, the object, and data/KEY, the values of a storage, stored as they
 * are; perhaps byteorder. See torch_tensors.h for what the object may be.
 *
 * Other zip files are refused with what they are and how to get weights out of them:
 * TorchScript archives, NumPy's .npz, Keras's .keras. */
#ifndef PT_COMMON_WEIGHTS_TORCH_ZIP_H
#define PT_COMMON_WEIGHTS_TORCH_ZIP_H

#include "common/weights/table.h"

PT_MUST_USE pt_status pt_torch_zip_open(const char *path, pt_table **out);

#endif
