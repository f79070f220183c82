/* What the files of dataset.h share. */
#ifndef PT_COMMON_DATA_DATASET_PRIVATE_H
#define PT_COMMON_DATA_DATASET_PRIVATE_H

#include "common/data/dataset.h"
#include "common/base/digest.h"
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

struct pt_dataset {
    char *path;
    int fd;
    uint64_t bytes_at, bytes; /* of /images/bytes in the file */
    size_t n, n_classes, n_splits;
    uint64_t *offset; /* [n + 1] */
    int32_t *label, *height, *width;
    char **names, **classes;
    pt_pack_split *splits; /* in strcmp's order; entries owned by entries[] */
    uint32_t **entries;
    char **split_names;
    char *source, *licence, *checksum;
    uint32_t *crc;     /* [n] of each image's bytes; NULL: a file without sums */
    int64_t index_crc; /* as recorded */
    pt_pairs_data pairs;
    const pt_dataset *more; /* its images follow; NULL: none */
};

/* The data set that an image is in; *image becomes its number there. */
const pt_dataset *pt_dataset_owner(const pt_dataset *d, size_t *image);

/* The index of a packed file: all of it but the bytes of the images. */
typedef struct {
    size_t n, n_classes, n_splits;
    const uint64_t *offset; /* [n + 1] */
    const int32_t *label, *height, *width;
    const uint32_t *crc; /* NULL: a file without sums */
    const char *const *names, *const *classes;
    const pt_pack_split *splits; /* in strcmp's order */
    const pt_pairs *pairs;       /* NULL: none */
    const char *source, *licence, *checksum;
} pt_dataset_index;

uint32_t pt_dataset_index_crc(const pt_dataset_index *x);

/* PT_OK where the file has no sums. PT_ERR_DATA with both sums where they differ. */
PT_MUST_USE pt_status pt_dataset_check_index(const pt_dataset *d);

/* Is the image, one of d's own, damaged? Then one more line of *s says so, with both
 * sums. bytes: of its JPEG file. */
bool pt_dataset_check_image(const pt_dataset *d, size_t image, const void *bytes,
                            pt_status *s);

/* What the checksum covers behind the bytes; splits in strcmp's order. */
void pt_dataset_digest_index(pt_digest *digest, const uint64_t *offset,
                             const int32_t *label, size_t n, const pt_pack_split *splits,
                             size_t n_splits);

/* *out: to be ended by pt_pairs_fini, also after a failure. Its numbers are checked by
 * pt_pairs_check, which adds faults to *s. */
PT_MUST_USE pt_status pt_pairs_read(const pt_h5file *f, pt_pairs_data *out);
void pt_pairs_check(const pt_pairs *p, size_t n_images, const char *path, pt_status *s);
void pt_pairs_fini(pt_pairs_data *p);

/* p NULL: nothing. */
void pt_pairs_digest(pt_digest *digest, const pt_pairs *p);

PT_MUST_USE pt_status pt_pairs_write(pt_h5file *f, const pt_pairs *p);

#endif
