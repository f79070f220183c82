/* SHA-256 (libcrypto), for the hashes of weights, predictions, data and files. */
#ifndef PT_COMMON_DIGEST_H
#define PT_COMMON_DIGEST_H

#include <stddef.h>

#include "common/status.h"

enum { PT_DIGEST_HEX = 65 }; /* 64 hexadecimal digits and the final zero */

typedef struct pt_digest pt_digest;

PT_MUST_USE pt_status pt_digest_create(pt_digest **out);
void pt_digest_add(pt_digest *d, const void *data, size_t n);
/* Finishes, writes the hexadecimal text and frees *d. */
void pt_digest_finish(pt_digest **d, char hex[PT_DIGEST_HEX]);
void pt_digest_destroy(pt_digest **d);

/* Of a whole file. */
PT_MUST_USE pt_status pt_digest_file(const char *path, char hex[PT_DIGEST_HEX]);

#endif
