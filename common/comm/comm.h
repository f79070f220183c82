/* Messages between ranks: non-blocking sends and receives, and the one wait loop. What
 * carries them is behind a table of operations: MPI in a job (comm_mpi.h), mailboxes
 * between threads in tests. A pt_comm is used by one thread of a rank.
 *
 * The CRC32C of each message travels beside it, PT_MSG_CHECK_BYTES in a message of its
 * own. A mismatch fails the receiver's test or wait with PT_ERR_COMM and a text that
 * names the sender and the damaged message; the receiver's buffer then holds garbage.
 *
 * Messages order memory: whatever a rank did before a send, its threads' work included if
 * it has waited for them, has happened for the rank that has received it. MPI's own calls
 * do as much for the message's bytes only, so each send is preceded by a release fence
 * and each completed receive is followed by an acquire fence; between these the message
 * itself, which cannot be received before it was sent, is what orders them. Shared memory
 * needs nothing else, and nobody looks at flags in it.
 *
 * A wait on a peer that is silent for longer than the deadline fails with PT_ERR_COMM and
 * a text that names the rank and what it owes. In a job the pulse (common/comm/pulse.h)
 * knows which ranks are silent and which are only slow; without one (tests) each wait has
 * its own deadline. */
#ifndef PT_COMMON_COMM_COMM_H
#define PT_COMMON_COMM_COMM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/comm/carrier.h"

/* Posts a message of any size; r must be idle. data belongs to comm until the wait. */
PT_MUST_USE pt_status pt_comm_send(pt_comm *c, int peer, pt_msg_kind kind, int index,
                                   const void *data, size_t bytes, pt_request *r);
PT_MUST_USE pt_status pt_comm_recv(pt_comm *c, int peer, pt_msg_kind kind, int index,
                                   void *data, size_t bytes, pt_request *r);

/* The same message to peers [first, first + n), with one checksum for all; r [n]. */
PT_MUST_USE pt_status pt_comm_send_all(pt_comm *c, int first, int n, pt_msg_kind kind,
                                       int index, const void *data, size_t bytes,
                                       pt_request *r);

/* To peers [n]; those that have this rank's segment (common/comm/segments.h) mapped get
 * the place of the bytes and not a copy of them; data [bytes] must be in the segment.
 * They stay lent, and must not be overwritten, until the receivers are known to have
 * finished with them: the wait says only that the message has left, so each kind of
 * message that is lent needs another that gives the bytes back. Other peers get an
 * ordinary message. */
PT_MUST_USE pt_status pt_comm_lend_all(pt_comm *c, const int *peers, int n,
                                       pt_msg_kind kind, int index, const void *data,
                                       size_t bytes, pt_request *r);
PT_MUST_USE pt_status pt_comm_lend(pt_comm *c, int peer, pt_msg_kind kind, int index,
                                   const void *data, size_t bytes, pt_request *r);

/* Receives what the peer lends. After the wait r->data is where the bytes are: in the
 * peer's segment if that is mapped, else in buffer [bytes], which may be NULL if it is.
 */
PT_MUST_USE pt_status pt_comm_borrow(pt_comm *c, int peer, pt_msg_kind kind, int index,
                                     void *buffer, size_t bytes, pt_request *r);

/* Sets *done once the request has completed and its checksum has been verified. An idle
 * request is done. */
PT_MUST_USE pt_status pt_comm_test(pt_comm *c, pt_request *r, bool *done);

/* Waits for all of r [n]: polls, then sleeps for growing intervals (up to 0.5 ms; in
 * waits above 50 ms up to a hundredth of the wait, at most 5 ms, unless gradients or
 * weights are on their way by the network, which MPI moves only while it is asked), so
 * that waiting occupies no core. */
PT_MUST_USE pt_status pt_comm_wait(pt_comm *c, pt_request *r, size_t n);

/* Seconds so far in which gradients or weights sent by this rank were under way. Whoever
 * sends them tests the requests from time to time: what has arrived counts until then. */
double pt_comm_seconds_under_way(const pt_comm *c);

/* Where this rank is, for the one line of a failing job; phase: static text. */
void pt_comm_at(pt_comm *c, uint64_t step, const char *phase);

/* Call between items of long work: reports that this rank is alive and making progress.
 */
void pt_comm_poll(pt_comm *c);

/* Has a wait for r [n] (n = 0: for something else) lasted too long? With a pulse, other
 * ranks' progress counts as well. Only for loops that wait. */
bool pt_comm_late(pt_comm *c, const pt_idle *idle, const pt_request *r, size_t n);

#endif
