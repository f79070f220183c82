/* Large zeroed memory in huge pages where the system has them: a training step touches
 * gigabytes in strides. */
#ifndef PT_COMMON_BASE_PAGES_H
#define PT_COMMON_BASE_PAGES_H

#include <stddef.h>

/* bytes of zeros, aligned to 2 MiB, not resident until touched; NULL: no memory. 0 bytes
 * give a valid pointer. Freed by pt_pages_free with the same size; NULL is allowed there.
 */
void *pt_pages_alloc(size_t bytes);
void pt_pages_free(void *p, size_t bytes);

#endif
