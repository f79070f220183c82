/* What h5file.c, h5file_read.c, h5file_attr.c and h5file_write.c share. Nobody else
 * includes this: it is the one place of <hdf5.h>. */
#ifndef PT_COMMON_DATA_H5FILE_PRIVATE_H
#define PT_COMMON_DATA_H5FILE_PRIVATE_H

#include <hdf5.h>

#include "common/data/h5file.h"

struct pt_h5file {
    hid_t id;
    hid_t links;     /* link access: external links are refused */
    char *path;      /* the name that it has, or will have */
    char *temporary; /* the name until commit; NULL when opened for reading */
    uint64_t bytes;
};

/* The error stack is one per thread: every public function starts with this. */
void pt_h5_quiet(void);

/* pt_fail with "path: what: innermost message of the library"; PT_ERR_NOMEM instead of s
 * if the reason is lack of memory. */
PT_MUST_USE pt_status pt_h5_fail(const pt_h5file *f, pt_status s, const char *what,
                                 const char *object);

/* Opens any object; the caller releases it with H5Oclose. */
PT_MUST_USE pt_status pt_h5_open_object(const pt_h5file *f, const char *path, hid_t *out);

/* A data set or an attribute with its type and space, checked: see h5file.h's head. */
typedef struct {
    const pt_h5file *f;
    const char *name; /* for messages */
    bool attribute;
    hid_t id, type, space;
    pt_h5_shape shape;
} pt_h5_values;

/* Both: name is borrowed; on failure nothing is open. */
PT_MUST_USE pt_status pt_h5_dataset_open(const pt_h5file *f, const char *path,
                                         pt_h5_values *out);
PT_MUST_USE pt_status pt_h5_attr_open(const pt_h5file *f, const char *object,
                                      const char *name, pt_h5_values *out);
void pt_h5_values_fini(pt_h5_values *v);

#endif
