/* What dataset.c and dataset_write.c share. */
#ifndef PT_COMMON_DATASET_PRIVATE_H
#define PT_COMMON_DATASET_PRIVATE_H

#include "common/dataset.h"
#include "common/digest.h"

#define PT_DATASET_FORMAT "ptrain-data"

enum {
    PT_DATASET_VERSION = 1,
    PT_DATASET_MAX_CLASSES = 1 << 20,
    PT_DATASET_MAX_SPLITS = 256
};
#define PT_DATASET_MAX_IMAGES ((size_t)1 << 31) /* the bounds of a split's entries */

/* What the checksum covers behind the bytes; splits in strcmp's order. */
void pt_dataset_digest_index(pt_digest *digest, const uint64_t *offset,
                             const int32_t *label, size_t n, const pt_pack_split *splits,
                             size_t n_splits);

#endif
