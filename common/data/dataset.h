/* The packed data set: one HDF5 file made by `ptrain pack`, read with pread.
 *
 *   /images/bytes   uint8, contiguous: the picture files one after another, unchanged
 *   /images/offset  uint64 [n + 1]
 *   /images/label   int32 [n]
 *   /images/height, /images/width  int32 [n]
 *   /images/name    strings [n]       /classes/name  strings [C]
 *   /split/NAME     uint32 arrays of image numbers, in list order
 *   /pairs/target   uint32 [m]        /pairs/begin    uint64 [m + 1]
 *   /pairs/image    uint32, and the attribute `of` of /pairs: see pt_pairs; only in
 *                   files of `ptrain borrow`
 *   /images/crc32c  uint32 [n], of each file
 *   root attributes: format = "ptrain-data", format_version = 1, source, licence,
 *                    checksum, index_crc32c
 *
 * The checksum is SHA-256 over the little-endian contents of bytes, offset and label,
 * then for every split in the order of strcmp: its name with the final zero, its entries;
 * then, where there are pairs, `of` with the final zero, target, begin and image. It is
 * the data set's name: what two runs compare.
 *
 * The sums (CRC32C) detect damage. index_crc32c is over n, the numbers of classes and of
 * splits (uint64); offset, label, height, width, crc32c; the names of images and classes,
 * each with its final zero; for every split its name with the final zero, its size
 * (uint64) and entries; where there are pairs, `of` with the final zero, the number of
 * targets (uint64), target, begin and image; source, licence and checksum with their
 * final zeros. Older files have no sums: they are read, and only pt_dataset_verify would
 * notice damage.
 *
 * Readers share one descriptor and no lock: any number of threads may read. */
#ifndef PT_COMMON_DATA_DATASET_H
#define PT_COMMON_DATA_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/status.h"

typedef struct pt_dataset pt_dataset;

/* Which images of this set go with each image of another one: image[begin[i]] to
 * image[begin[i + 1] - 1], at least one, go with its image target[i]. */
typedef struct {
    const char *of; /* the checksum of the other set */
    const uint32_t *target;
    size_t n; /* targets */
    const uint64_t *begin;
    const uint32_t *image;
} pt_pairs;

/* Opens and checks the index: its sum matches, offsets ascend and stay inside the file,
 * labels are below C, split entries below n. All faults of the file are reported. The
 * bytes of the images are checked when they are read. */
PT_MUST_USE pt_status pt_dataset_open(const char *path, pt_dataset **out);
void pt_dataset_destroy(pt_dataset **d);

/* Reads all images and recomputes the checksum; PT_ERR_DATA if it differs. Where there
 * are sums, damaged images are named. */
PT_MUST_USE pt_status pt_dataset_verify(const pt_dataset *d);

/* Can damage be detected, or was the file packed by an older version? */
bool pt_dataset_has_sums(const pt_dataset *d);

/* SHA-256 of the index as it was read, the images' sums included: two ranks with equal
 * digests hold the same data (with sums, damage to either would be detected). */
PT_MUST_USE pt_status pt_dataset_digest(const pt_dataset *d, char hex[65]);

/* Appends the images of `more` (borrowed) to those of d: their numbers follow d's images,
 * their labels d's classes. Splits, names of classes and the checksum stay d's.
 */
void pt_dataset_append(pt_dataset *d, const pt_dataset *more);

size_t pt_dataset_images(const pt_dataset *d);
int pt_dataset_classes(const pt_dataset *d);
const char *pt_dataset_class_name(const pt_dataset *d, int label);
const char *const *pt_dataset_class_names(const pt_dataset *d); /* NULL-terminated */
const char *pt_dataset_name(const pt_dataset *d, size_t image);
int pt_dataset_label(const pt_dataset *d, size_t image);
size_t pt_dataset_bytes(const pt_dataset *d, size_t image); /* of its file */
void pt_dataset_size(const pt_dataset *d, size_t image, int *height, int *width);
const char *pt_dataset_checksum(const pt_dataset *d); /* 64 hex digits, as stored */
const char *pt_dataset_source(const pt_dataset *d);   /* "" if none was given */
const char *pt_dataset_licence(const pt_dataset *d);

/* Borrowed view of a split. PT_ERR_DATA naming the splits that exist if there is none. */
PT_MUST_USE pt_status pt_dataset_split(const pt_dataset *d, const char *name,
                                       const uint32_t **images, size_t *n);

/* Borrowed; NULL: the set has none. */
const pt_pairs *pt_dataset_pairs(const pt_dataset *d);

size_t pt_dataset_splits(const pt_dataset *d);
const char *pt_dataset_split_name(const pt_dataset *d,
                                  size_t split); /* in strcmp's order */

/* Reads the file of an image into buffer [pt_dataset_bytes]. PT_ERR_DATA naming
 * file, image and both sums where it is damaged. Any thread. */
PT_MUST_USE pt_status pt_dataset_read(const pt_dataset *d, size_t image, void *buffer);

/* ---- writing ---------------------------------------------------------------------- */

/* An image to pack; its file is read when the set is written. */
typedef struct {
    const char *path; /* file to copy; NULL: the next two */
    const pt_dataset *from;
    size_t from_image;
    const char *name; /* shown to people: relative to the root of the set */
    int label;
    int height, width;
    size_t bytes; /* size of the file, as checked by the caller */
} pt_pack_image;

typedef struct {
    const char *name;
    const uint32_t *images;
    size_t n;
} pt_pack_split;

typedef struct {
    const pt_pack_image *images;
    size_t n_images;
    const char *const *classes;
    int n_classes;
    const pt_pack_split *splits;
    size_t n_splits;
    const char *source, *licence;
    const pt_pairs *pairs; /* NULL: none */
} pt_pack;

/* Writes the file under a temporary name and renames it. PT_ERR_DATA if a file's size has
 * changed since it was checked. Refused: no image, no class, an empty split, a label or
 * an entry out of range. source, licence: NULL is "". checksum: out, may be NULL. The
 * same input gives the same file, byte for byte. */
PT_MUST_USE pt_status pt_dataset_write(const char *path, const pt_pack *pack,
                                       char checksum[65]);

#endif
