/* The names that wrappers put before those of the network. */
#ifndef PT_COMMON_WEIGHTS_PREFIX_H
#define PT_COMMON_WEIGHTS_PREFIX_H

#include <stddef.h>

/* Bytes of name [n], which need not end with a zero, that belong to wrappers: "module."
 * (DataParallel), "_orig_mod." (compile), "model." (Lightning), "net.", in any order. The
 * rest is never empty. */
size_t pt_prefix_bytes(const char *name, size_t n);

#endif
