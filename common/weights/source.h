/* A file opened for reading at positions; every read is checked against its size. */
#ifndef PT_COMMON_WEIGHTS_SOURCE_H
#define PT_COMMON_WEIGHTS_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "common/status.h"

typedef struct {
    int fd;
    uint64_t size; /* bytes, when it was opened */
    char *path;
} pt_source;

/* Regular files only. PT_ERR_IO when it cannot be opened. On failure *out is NULL. */
PT_MUST_USE pt_status pt_source_open(const char *path, pt_source **out);

/* Frees *s and sets it to NULL. NULL and &NULL are allowed. */
void pt_source_destroy(pt_source **s);

/* Bytes [at, at + n). PT_ERR_DATA if the range is not inside the file. */
PT_MUST_USE pt_status pt_source_read(const pt_source *s, uint64_t at, void *to, size_t n);

/* The whole file, malloc'd, with a zero after it that *n does not count. PT_ERR_DATA if
 * it is larger than `max` bytes. */
PT_MUST_USE pt_status pt_source_load(const pt_source *s, size_t max, uint8_t **bytes,
                                     size_t *n);

#endif
