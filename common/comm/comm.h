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

#include "common/comm/message.h"
#include "common/base/status.h"

/* Messages over PT_MSG_PART_BYTES travel in parts of that size: MPI counts to 2^31, and a
 * large message shows progress on its way. */
enum { PT_MSG_CHECK_BYTES = 4, PT_MSG_PART_BYTES = 1 << 26 };

/* What a carrier keeps apart, in MPI by a communicator each. */
typedef enum {
    PT_CHANNEL_MESSAGES,
    PT_CHANNEL_CHECKSUMS,
    PT_CHANNEL_PULSE, /* signs of life: common/comm/pulse.h */
    PT_CHANNELS
} pt_channel;

/* A message under way. The buffer belongs to comm until the wait ends, and the request
 * stays where it is: its checksum travels from here or to here. Zeroed = idle. */
typedef struct {
    bool active, receive;
    pt_msg_kind kind;
    int peer, index;
    uint32_t crc; /* of what was sent */
    void *data;   /* [bytes]; of a message that is sent, only read */
    size_t bytes;
    uintptr_t native, check; /* the carrier's handles: the message, its checksum */
    uintptr_t *more;         /* of the parts after the first; NULL: there are none */
    size_t parts_done;
} pt_request;

/* A carrier. Every function is local and returns at once. Messages of one sender, channel
 * and tag are received in the order in which they were sent. */
typedef struct {
    pt_status (*send)(void *self, pt_channel channel, int peer, int tag, const void *data,
                      size_t bytes, uintptr_t *native);
    pt_status (*recv)(void *self, pt_channel channel, int peer, int tag, void *data,
                      size_t bytes, uintptr_t *native);
    pt_status (*test)(void *self, uintptr_t *native, bool *done);
} pt_comm_ops;

typedef struct {
    const pt_comm_ops *ops;
    void *self;
    int rank, size;
    struct pt_pulse *pulse;  /* borrowed; NULL: none */
    double deadline_s;       /* of one wait without any progress; > 0 */
    size_t part_bytes;       /* alike on all ranks; 0: PT_MSG_PART_BYTES (tests: less) */
    uint64_t sent, received; /* bytes posted so far, checksums included */
    void (*poll)(void *context); /* called while waiting, may be NULL */
    void *poll_context;
} pt_comm;

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

/* A growing sleep for loops that look at several things: call pt_idle_begin once, then
 * pt_idle_pause after every look that found nothing, pt_idle_begin after every find. */
typedef struct {
    double since;   /* seconds of the monotonic clock: last progress */
    unsigned looks; /* without progress */
} pt_idle;
void pt_idle_begin(pt_idle *i);
void pt_idle_pause(pt_idle *i);
double pt_idle_seconds(const pt_idle *i);

/* Has a wait for r [n] (n = 0: for something else) lasted too long? With a pulse that is
 * not a question of this wait alone. Only for loops that wait. */
bool pt_comm_late(pt_comm *c, const pt_idle *idle, const pt_request *r, size_t n);

/* Seconds of the monotonic clock; of CPU time of this thread, and of this process. */
double pt_clock(void);
double pt_cpu_clock(void);
double pt_process_cpu_clock(void);

#endif
