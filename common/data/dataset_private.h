/* What the files of dataset.h share. */
#ifndef PT_COMMON_DATA_DATASET_PRIVATE_H
#define PT_COMMON_DATA_DATASET_PRIVATE_H

#include "common/base/digest.h"
#include "common/base/file.h"
#include "common/data/dataset.h"
#include "common/data/h5file.h"

#define PT_DATASET_FORMAT    "ptrain-data"
#define PT_DATASET_CRC       "images/crc32c"
#define PT_DATASET_INDEX_CRC "index_crc32c" /* attribute of the root */

enum {
    PT_DATASET_VERSION = 1,
    PT_DATASET_MAX_CLASSES = 1 << 20,
    PT_DATASET_MAX_SPLITS = 256
};
#define PT_DATASET_MAX_IMAGES ((size_t)1 << 31) /* the bounds of a split's entries */

/* The pairs of a file, and their memory. */
typedef struct {
    pt_pairs view; /* of is NULL where the file has none */
    char *of;
    uint32_t *target, *image;
    uint64_t *begin;
} pt_pairs_data;

/* The index of a packed file: everything except the bytes of the images. */
typedef struct {
    size_t n, n_classes, n_splits;
    uint64_t *offset; /* [n + 1] */
    int32_t *label, *height, *width;
    uint32_t *crc; /* [n] of each image's bytes; NULL: a file without sums */
    char **names;
    pt_pack_split *splits; /* in strcmp's order */
    char **classes;        /* a writer borrows these and what follows */
    char *source, *licence, *checksum;
    const pt_pairs *pairs; /* NULL: none */
} pt_dataset_index;

/* Frees the arrays up to splits. */
void pt_dataset_index_fini(pt_dataset_index *x);

struct pt_dataset {
    char *path;
    pt_file *file;
    uint64_t bytes_at, bytes; /* of /images/bytes in the file */
    pt_dataset_index index;
    uint32_t **entries; /* [n_splits] those of index.splits */
    char **split_names;
    pt_pairs_data pairs;
    int64_t index_crc;      /* as recorded */
    const pt_dataset *more; /* its images follow; NULL: none */
};

/* The data set that an image is in; *image becomes its number there. */
const pt_dataset *pt_dataset_owner(const pt_dataset *d, size_t *image);

uint32_t pt_dataset_index_crc(const pt_dataset_index *x);

/* PT_OK where the file has no sums. PT_ERR_DATA with both sums where they differ. */
PT_MUST_USE pt_status pt_dataset_check_index(const pt_dataset *d);

/* Is the image (one of d's own) damaged? If so, adds a line with both sums to *s. bytes:
 * of its file. */
bool pt_dataset_check_image(const pt_dataset *d, size_t image, const void *bytes,
                            pt_status *s);

/* What the checksum covers after the bytes. */
void pt_dataset_digest_index(pt_digest *digest, const pt_dataset_index *x);

/* *out: to be ended by pt_pairs_fini, also after a failure. Its numbers are checked by
 * pt_pairs_check, which adds faults to *s. */
PT_MUST_USE pt_status pt_pairs_read(const pt_h5file *f, pt_pairs_data *out);
void pt_pairs_check(const pt_pairs *p, size_t n_images, const char *path, pt_status *s);
void pt_pairs_fini(pt_pairs_data *p);

/* p NULL: nothing. */
void pt_pairs_digest(pt_digest *digest, const pt_pairs *p);

PT_MUST_USE pt_status pt_pairs_write(pt_h5file *f, const pt_pairs *p);

#endif
