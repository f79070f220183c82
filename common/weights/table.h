/* What a weights file holds: named tensors, their shapes, and a way to read each. The
 * readers of the formats make tables; mapping to a network is above them (names.h).
 *
 * A table holds no values: memory follows the number of names in the file, never the
 * shapes that it claims. */
#ifndef PT_COMMON_WEIGHTS_TABLE_H
#define PT_COMMON_WEIGHTS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/status.h"

enum { PT_TABLE_DIMS_MAX = 8, PT_TABLE_NAME_MAX = 1024, PT_TABLE_ENTRIES_MAX = 1 << 18 };

typedef struct {
    char *name;
    int n_dims; /* 0: a scalar */
    size_t dims[PT_TABLE_DIMS_MAX];
    size_t count;  /* values; count * 8 does not overflow */
    char *trouble; /* why the values cannot be read ("data type int64 is not supported")
                      or NULL */
    size_t where;  /* the reader's own number of the tensor */
    bool integers; /* or booleans: a count or a shape, never a weight */
    bool spare;    /* another name of a tensor, or a constant: may be left unused */
} pt_table_entry;

typedef struct pt_table pt_table;

/* The reader of a format. */
typedef struct {
    size_t source_bytes; /* of its own struct, zeroed when a table is opened */
    /* Opens t->path and adds the file's tensors. NULL: pt_table_create alone is used. */
    pt_status (*fill)(pt_table *t, void *source);
    /* Adds a line to *failed for each reason why the values cannot be read. May be NULL.
     */
    void (*check)(const pt_table *t, const pt_table_entry *e, pt_status *failed);
    /* values [e->count]; e has no trouble. */
    pt_status (*read)(const pt_table *t, const pt_table_entry *e, float *values);
    /* In its place where a part can be read alone: values [n] from number `first` on. */
    pt_status (*read_part)(const pt_table *t, const pt_table_entry *e, size_t first,
                           size_t n, float *values);
    /* Frees what the source holds, not the source; it may be filled in part. */
    void (*fini)(void *source);
} pt_table_ops;

struct pt_table {
    char *path;
    const pt_table_ops *ops;
    void *source;            /* the reader's, or NULL */
    pt_table_entry *entries; /* sorted by name after pt_table_finish */
    size_t n, capacity;
};

/* What the reader finds in the file. On failure *out is NULL. */
PT_MUST_USE pt_status pt_table_open(const char *path, const pt_table_ops *ops,
                                    pt_table **out);

/* An empty table without a source. */
PT_MUST_USE pt_status pt_table_create(const char *path, const pt_table_ops *ops,
                                      pt_table **out);
void pt_table_destroy(pt_table **t);

/* Adds a tensor. name [n_name] need not end with a zero. PT_ERR_DATA for a name that is
 * empty, too long or holds control characters, for too many or negative dimensions and
 * for a product that overflows. entry: out, may be NULL, valid until the next add. */
PT_MUST_USE pt_status pt_table_add(pt_table *t, const char *name, size_t n_name,
                                   int n_dims, const int64_t *dims, size_t where,
                                   pt_table_entry **entry);

/* Notes why the values of `e` cannot be read; the first note stays. */
void pt_table_trouble(pt_table_entry *e, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Sorts; PT_ERR_DATA if a name appears twice. After it no tensor may be added. */
PT_MUST_USE pt_status pt_table_finish(pt_table *t);

/* NULL if there is none of that name. */
const pt_table_entry *pt_table_find(const pt_table *t, const char *name);

/* Adds lines to *failed if the values of `e` cannot be read, without reading them. */
void pt_table_check(const pt_table *t, const pt_table_entry *e, pt_status *failed);

/* values [e->count] in the order of the file, see pt_naming. */
PT_MUST_USE pt_status pt_table_read(const pt_table *t, const pt_table_entry *e,
                                    float *values);

/* Values [first, first + n) alone, without memory for the others. Only where
 * pt_table_has_parts. */
PT_MUST_USE pt_status pt_table_read_part(const pt_table *t, const pt_table_entry *e,
                                         size_t first, size_t n, float *values);
bool pt_table_has_parts(const pt_table *t);

enum { PT_SHAPE_TEXT = 200 };

/* "64x3x7x7"; "scalar" without dimensions. */
void pt_shape_text(int n_dims, const size_t *dims, char text[PT_SHAPE_TEXT]);

#endif
