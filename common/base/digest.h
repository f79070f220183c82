/* SHA-256 (libcrypto), for the hashes of weights, predictions, data and files. */
#ifndef PT_COMMON_BASE_DIGEST_H
#define PT_COMMON_BASE_DIGEST_H

#include <stddef.h>

#include "common/base/status.h"

enum { PT_DIGEST_HEX = 65 }; /* 64 hexadecimal digits and the final zero */

typedef struct pt_digest pt_digest;

/* *out is NULL after a failure (PT_ERR_NOMEM). */
PT_MUST_USE pt_status pt_digest_create(pt_digest **out);

/* The next n bytes; data may be NULL where n is 0. */
void pt_digest_add(pt_digest *d, const void *data, size_t n);

/* Finishes, writes the hexadecimal text (lower case) and frees *d. */
void pt_digest_finish(pt_digest **d, char hex[PT_DIGEST_HEX]);

/* Frees *d without a result and sets it to NULL. NULL and &NULL are allowed. */
void pt_digest_destroy(pt_digest **d);

/* Of a whole file, read in pieces; PT_ERR_IO naming the file where that fails, and hex is
 * then unspecified. */
PT_MUST_USE pt_status pt_digest_file(const char *path, char hex[PT_DIGEST_HEX]);

#endif
