/* HDF5 files, thin and careful: the only place that knows the HDF5 library.
 *
 * Objects are named by their path from the root ("images/bytes"; "/" is the root group).
 * An error text names the file, the object and the library's innermost reason; the
 * library itself prints nothing. Nothing is read without a stated maximum, no data set is
 * trusted to hold more than the file can, and links into other files, virtual and
 * external storage and filter plugins are refused. (The library's own parser is not proof
 * against hostile files, so neither are we: launch/support/probe.h has a child process
 * read such files first.)
 *
 * One thread per file. Status: PT_ERR_IO (system), PT_ERR_DATA (content), PT_ERR_NOMEM.
 */
#ifndef PT_COMMON_DATA_H5FILE_H
#define PT_COMMON_DATA_H5FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/status.h"

typedef struct pt_h5file pt_h5file;

/* May several threads work on files of their own at the same time? Depends on how the
 * library was built (Debian's allows it). */
bool pt_h5file_safe_for_threads(void);

/* ---- files ------------------------------------------------------------------------ */

/* Opens for reading. If the file system does not support locks, opens without one and
 * warns once; a file that another program holds for writing is PT_ERR_IO. */
PT_MUST_USE pt_status pt_h5file_open(const char *path, pt_h5file **out);

/* Creates path under a temporary name in the same directory. Nothing in the file depends
 * on the time of day. */
PT_MUST_USE pt_status pt_h5file_create(const char *path, pt_h5file **out);

/* Finishes a created file: closes, fsyncs, renames it to its final name (replacing an
 * existing file), fsyncs the directory. *f is NULL afterwards, the temporary file gone.
 */
PT_MUST_USE pt_status pt_h5file_commit(pt_h5file **f);

/* Closes. A created file that was not committed is removed. NULL and &NULL are allowed.
 */
void pt_h5file_destroy(pt_h5file **f);

const char *pt_h5file_path(const pt_h5file *f);
uint64_t pt_h5file_bytes(const pt_h5file *f); /* of the file, when it was opened */

/* The file's current name: the temporary one until commit. */
const char *pt_h5file_current_path(const pt_h5file *f);

/* ---- looking around --------------------------------------------------------------- */

typedef enum { PT_H5_NONE, PT_H5_GROUP, PT_H5_DATASET } pt_h5_kind;

/* PT_H5_NONE if there is no such object, or it is neither. */
pt_h5_kind pt_h5file_kind(const pt_h5file *f, const char *path);

/* Names of a group's members, sorted by bytes, NULL-terminated, in one block that
 * free(*names) releases. At most 2^20. n may be NULL. */
PT_MUST_USE pt_status pt_h5file_list(const pt_h5file *f, const char *group, char ***names,
                                     size_t *n);

enum { PT_H5_MAX_RANK = 8 };

typedef enum { PT_H5_FLOAT, PT_H5_INT, PT_H5_STRING, PT_H5_OTHER } pt_h5_class;

typedef struct {
    int rank; /* 0: a scalar */
    uint64_t dims[PT_H5_MAX_RANK];
    uint64_t count; /* product of dims, 1 for a scalar */
    pt_h5_class class_;
    size_t element_bytes; /* as stored */
} pt_h5_shape;

PT_MUST_USE pt_status pt_h5file_shape(const pt_h5file *f, const char *dataset,
                                      pt_h5_shape *out);

/* ---- reading data sets ------------------------------------------------------------ */

/* The whole data set, any shape, in C order: *out [*n] is malloc'd, *n <= max. Stored
 * numbers are converted: any float for f32 (float16 too), any integer for the others; a
 * value that does not fit is PT_ERR_DATA. */
PT_MUST_USE pt_status pt_h5file_read_f32(const pt_h5file *f, const char *dataset,
                                         size_t max, float **out, size_t *n);
PT_MUST_USE pt_status pt_h5file_read_i32(const pt_h5file *f, const char *dataset,
                                         size_t max, int32_t **out, size_t *n);
PT_MUST_USE pt_status pt_h5file_read_u32(const pt_h5file *f, const char *dataset,
                                         size_t max, uint32_t **out, size_t *n);
PT_MUST_USE pt_status pt_h5file_read_u64(const pt_h5file *f, const char *dataset,
                                         size_t max, uint64_t **out, size_t *n);
PT_MUST_USE pt_status pt_h5file_read_u8(const pt_h5file *f, const char *dataset,
                                        size_t max, uint8_t **out, size_t *n);

/* The whole data set into out [n]; PT_ERR_SHAPE if it does not hold exactly n. */
PT_MUST_USE pt_status pt_h5file_read_f32_into(const pt_h5file *f, const char *dataset,
                                              float *out, size_t n);

/* Strings of fixed or variable length (zero or blank padding removed): NULL-terminated,
 * in one block that free(*out) releases. At most max. n may be NULL. */
PT_MUST_USE pt_status pt_h5file_read_strings(const pt_h5file *f, const char *dataset,
                                             size_t max, char ***out, size_t *n);

/* Where the bytes of a contiguous uint8 data set lie in the file, for pread. */
PT_MUST_USE pt_status pt_h5file_bytes_at(const pt_h5file *f, const char *dataset,
                                         uint64_t *offset, uint64_t *bytes);

/* ---- attributes; object: "/", a group or a data set ------------------------------- */

bool pt_h5file_has_attr(const pt_h5file *f, const char *object, const char *name);

PT_MUST_USE pt_status pt_h5file_attr_int(const pt_h5file *f, const char *object,
                                         const char *name, int64_t *out);
PT_MUST_USE pt_status pt_h5file_attr_float(const pt_h5file *f, const char *object,
                                           const char *name, double *out);
/* Exactly n of them, else PT_ERR_SHAPE. */
PT_MUST_USE pt_status pt_h5file_attr_floats(const pt_h5file *f, const char *object,
                                            const char *name, float *out, size_t n);
/* A scalar (or an array of one): *out is malloc'd. */
PT_MUST_USE pt_status pt_h5file_attr_string(const pt_h5file *f, const char *object,
                                            const char *name, char **out);
/* As pt_h5file_read_strings. */
PT_MUST_USE pt_status pt_h5file_attr_strings(const pt_h5file *f, const char *object,
                                             const char *name, size_t max, char ***out,
                                             size_t *n);

/* ---- writing; missing groups are made --------------------------------------------- */

/* data: product of dims elements in C order; contiguous, little-endian. rank 1..8. A name
 * that is taken is an error. */
PT_MUST_USE pt_status pt_h5file_write_f32(pt_h5file *f, const char *dataset, int rank,
                                          const uint64_t *dims, const float *data);
PT_MUST_USE pt_status pt_h5file_write_i32(pt_h5file *f, const char *dataset, int rank,
                                          const uint64_t *dims, const int32_t *data);
PT_MUST_USE pt_status pt_h5file_write_u32(pt_h5file *f, const char *dataset, int rank,
                                          const uint64_t *dims, const uint32_t *data);
PT_MUST_USE pt_status pt_h5file_write_u64(pt_h5file *f, const char *dataset, int rank,
                                          const uint64_t *dims, const uint64_t *data);
PT_MUST_USE pt_status pt_h5file_write_u8(pt_h5file *f, const char *dataset, int rank,
                                         const uint64_t *dims, const uint8_t *data);

/* [n] variable-length UTF-8 strings. */
PT_MUST_USE pt_status pt_h5file_write_strings(pt_h5file *f, const char *dataset,
                                              const char *const *strings, size_t n);

/* A contiguous uint8 data set of bytes >= 1, its space allocated and not written; *offset
 * is its place in pt_h5file_current_path(), where the caller pwrites. */
PT_MUST_USE pt_status pt_h5file_reserve_bytes(pt_h5file *f, const char *dataset,
                                              uint64_t bytes, uint64_t *offset);

/* An empty group (groups for data sets need no call). */
PT_MUST_USE pt_status pt_h5file_make_group(pt_h5file *f, const char *group);

/* Attributes; one that exists is replaced. Scalars as int64, float64, variable-length
 * UTF-8; floats as float32 [n], strings as variable-length UTF-8 [n]; n >= 1. */
PT_MUST_USE pt_status pt_h5file_set_int(pt_h5file *f, const char *object,
                                        const char *name, int64_t value);
PT_MUST_USE pt_status pt_h5file_set_float(pt_h5file *f, const char *object,
                                          const char *name, double value);
PT_MUST_USE pt_status pt_h5file_set_floats(pt_h5file *f, const char *object,
                                           const char *name, const float *values,
                                           size_t n);
PT_MUST_USE pt_status pt_h5file_set_string(pt_h5file *f, const char *object,
                                           const char *name, const char *value);
PT_MUST_USE pt_status pt_h5file_set_strings(pt_h5file *f, const char *object,
                                            const char *name, const char *const *values,
                                            size_t n);

#endif
