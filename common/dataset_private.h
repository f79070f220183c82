/* What dataset.c, dataset_write.c and dataset_pairs.c share. */
#ifndef PT_COMMON_DATASET_PRIVATE_H
#define PT_COMMON_DATASET_PRIVATE_H

#include "common/dataset.h"
#include "common/digest.h"
#include "common/h5file.h"

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

/* The pairs of a file, and their memory. */
typedef struct {
    pt_pairs view; /* of is NULL where the file has none */
    char *of;
    uint32_t *target, *image;
    uint64_t *begin;
} pt_pairs_data;

/* *out: to be ended by pt_pairs_fini, also after a failure. Its numbers are checked by
 * pt_pairs_check, which adds faults to *s. */
PT_MUST_USE pt_status pt_pairs_read(const pt_h5file *f, pt_pairs_data *out);
void pt_pairs_check(const pt_pairs *p, size_t n_images, const char *path, pt_status *s);
void pt_pairs_fini(pt_pairs_data *p);

/* p NULL: nothing. */
void pt_pairs_digest(pt_digest *digest, const pt_pairs *p);

PT_MUST_USE pt_status pt_pairs_write(pt_h5file *f, const pt_pairs *p);

#endif
