/* What the way to another rank is like, measured: bandwidth, latency, how far the clocks
 * are apart. Both ends make the matching call; nothing else may be in flight between
 * them. Messages are bare, without checksums, and are not in pt_comm's counts; waits do
 * not sleep at first, so that a wait's pauses are not measured. PT_ERR_COMM as of other
 * waits. */
#ifndef PT_COMMON_COMM_LINK_H
#define PT_COMMON_COMM_LINK_H

#include "common/comm/comm.h"

/* Sends bytes of data to rank `to` and receives as many from rank `from` at the same
 * time; either may be -1: nothing that way. bytes: at most PT_MSG_PART_BYTES; data, into:
 * [bytes], not the same. *seconds: until both are done, from when both others are ready.
 */
PT_MUST_USE pt_status pt_link_transfer(pt_comm *c, int to, int from, const void *data,
                                       void *into, size_t bytes, double *seconds);

typedef struct {
    double seconds; /* there and back: of the fastest of the trips */
    double ahead;   /* what the peer's pt_clock shows more than this one's, within half of
                       that */
} pt_link_trip;

/* Round trips of a few bytes with peer: one end asks, the other answers as many. */
PT_MUST_USE pt_status pt_link_ask(pt_comm *c, int peer, int trips, pt_link_trip *best);
PT_MUST_USE pt_status pt_link_answer(pt_comm *c, int peer, int trips);

#endif
