/* Zip archives, through libzip: entries by name, read at an offset. */
#ifndef PT_COMMON_WEIGHTS_ARCHIVE_H
#define PT_COMMON_WEIGHTS_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/status.h"

typedef struct pt_archive pt_archive;

/* PT_ERR_IO where the file cannot be opened, PT_ERR_DATA where its directory is broken.
 * On failure *out is NULL. */
PT_MUST_USE pt_status pt_archive_open(const char *path, pt_archive **out);
void pt_archive_destroy(pt_archive **a);

size_t pt_archive_entries(const pt_archive *a);

/* The name of entry i, valid until destroy; "" where it has none. */
const char *pt_archive_name(const pt_archive *a, size_t i);

/* The entry of that name; false: there is none. */
bool pt_archive_find(const pt_archive *a, const char *name, size_t *i);

/* Bytes of entry i, unpacked. PT_ERR_DATA for one that is compressed or encrypted: what
 * we read is stored as it is. */
PT_MUST_USE pt_status pt_archive_size(const pt_archive *a, size_t i, uint64_t *size);

/* Bytes [at, at + n) of entry i. An entry that is read whole is checked against its
 * CRC-32. PT_ERR_DATA with the entry's name. */
PT_MUST_USE pt_status pt_archive_read(const pt_archive *a, size_t i, uint64_t at,
                                      void *to, size_t n);

#endif
