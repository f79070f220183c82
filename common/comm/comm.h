/* Messages between ranks: non-blocking sends and receives, and the one wait loop. What
 * carries them is behind a table of operations: MPI in a job (comm_mpi.h), mailboxes
 * between threads in tests. One thread of a rank uses a pt_comm.
 *
 * Beside each message goes its CRC32C, PT_MSG_CHECK_BYTES in a message of their own. A
 * message that does not match fails the receiver's test or wait with PT_ERR_COMM and a
 * text that names the sender and what was damaged; the receiver's buffer is then spoilt.
 *
 * A wait on a peer that stays silent longer than the deadline fails with PT_ERR_COMM and
 * a text that names the rank and what it owes. In a job the pulse (common/comm/pulse.h)
 * knows who is silent and who is only slow; without one (tests) a wait has its own
 * deadline. */
#ifndef PT_COMMON_COMM_COMM_H
#define PT_COMMON_COMM_COMM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/comm/carrier.h"

/* Posts a message of any size; r must be idle. data is comm's until the wait. */
PT_MUST_USE pt_status pt_comm_send(pt_comm *c, int peer, pt_msg_kind kind, int index,
                                   const void *data, size_t bytes, pt_request *r);
PT_MUST_USE pt_status pt_comm_recv(pt_comm *c, int peer, pt_msg_kind kind, int index,
                                   void *data, size_t bytes, pt_request *r);

/* The same message to peers [first, first + n), with one checksum for all; r [n]. */
PT_MUST_USE pt_status pt_comm_send_all(pt_comm *c, int first, int n, pt_msg_kind kind,
                                       int index, const void *data, size_t bytes,
                                       pt_request *r);

/* Has it ended, checksum and all? An idle request has. */
PT_MUST_USE pt_status pt_comm_test(pt_comm *c, pt_request *r, bool *done);

/* Waits for all of r [n]: polls, then sleeps longer and longer (to 0.5 ms, and in
 * waits above 50 ms to a hundredth of the wait, at most 5 ms), so that waiting costs no
 * core. */
PT_MUST_USE pt_status pt_comm_wait(pt_comm *c, pt_request *r, size_t n);

/* Where this rank is, for the one line of a failing job; phase: static text. */
void pt_comm_at(pt_comm *c, uint64_t step, const char *phase);

/* To be called during long work, between items: says that this rank is alive and got on.
 */
void pt_comm_poll(pt_comm *c);

/* Has a wait for r [n] (n = 0: for something else) lasted too long? With a pulse that is
 * not a question of this wait alone. Only for loops that wait. */
bool pt_comm_late(pt_comm *c, const pt_idle *idle, const pt_request *r, size_t n);

#endif
