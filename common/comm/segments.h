/* Memory that the ranks of a host share: a segment for each rank, which all of them have
 * mapped. What lies in it can be lent instead of sent (pt_comm_lend).
 *
 * A segment is a file without a name (memfd), which the others open as /proc/PID/fd/N: it
 * ends with the last process that has it mapped, however that process ends, and
 * /dev/shm, which is small in many containers, is not used. Local unless it says
 * otherwise; one thread of a rank uses it. */
#ifndef PT_COMMON_COMM_SEGMENTS_H
#define PT_COMMON_COMM_SEGMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/status.h"

typedef struct pt_segments pt_segments;

/* This rank's segment: bytes of zeros, not resident until touched, in huge pages where
 * the system has them for shared memory. 0: it has none. PT_ERR_IO where the system
 * refuses. */
PT_MUST_USE pt_status pt_segments_create(int rank, int size, size_t bytes,
                                         pt_segments **out);

/* Unmaps all. NULL and &NULL are allowed. */
void pt_segments_destroy(pt_segments **s);

/* Where the other ranks of the host find it, in out [n]; "" if there is none. */
void pt_segments_describe(const pt_segments *s, char *out, size_t n);

/* Maps rank's segment, as that rank described it; nothing for "". PT_ERR_IO if it cannot
 * be opened or is not that rank's: another user's, or of another container. */
PT_MUST_USE pt_status pt_segments_map(pt_segments *s, int rank, const char *described);

/* The same where rank is a thread of this process. Borrows `of`. */
void pt_segments_join(pt_segments *s, int rank, const pt_segments *of);

/* No more ranks can map this one's segment. */
void pt_segments_close(pt_segments *s);

/* The next bytes of this rank's segment, aligned to cache lines; NULL: it has fewer left.
 * They are never given back. s may be NULL. */
void *pt_segments_take(pt_segments *s, size_t bytes);

/* Is rank's segment mapped? s may be NULL. */
bool pt_segments_has(const pt_segments *s, int rank);

/* Where in this rank's segment data [bytes] is; outside it is a broken invariant. */
uint64_t pt_segments_place(const pt_segments *s, const void *data, size_t bytes);

/* What is at that place of rank's segment; NULL: not bytes of it. */
void *pt_segments_at(const pt_segments *s, int rank, uint64_t place, size_t bytes);

#endif
