/* Buffers that may share memory because they are never alive at the same time. Pure. */
#ifndef PT_WORKER_ENGINE_NET_LIFETIMES_H
#define PT_WORKER_ENGINE_NET_LIFETIMES_H

#include <stddef.h>

/* A buffer: its lifetime (inclusive), size and offset. size 0: there is none. */
typedef struct {
    int first, last, root;
    size_t size, at;
} pt_lifetime;

/* Adds a node, alive in first..last, to buffer `root` of l [nodes]. */
void pt_lifetime_add(pt_lifetime *l, int root, int first, int last, size_t size);

/* Packs the buffers of l [n] that exist to the front; returns their number. */
size_t pt_lifetimes_compact(pt_lifetime *l, int n);

/* First fit: places l [n] so that those alive at one time do not overlap, and reorders
 * it. placed [n]: scratch. Returns the end. */
size_t pt_lifetimes_place(pt_lifetime *l, size_t n, pt_lifetime **placed);

#endif
