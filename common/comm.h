/* Messages between ranks: non-blocking sends and receives, and the one wait loop. What
 * carries them is behind a table of operations: MPI in a job (comm_mpi.h), mailboxes
 * between threads in tests. One thread of a rank uses a pt_comm.
 *
 * Beside each message goes its CRC32C, PT_MSG_CHECK_BYTES in a message of their own. A
 * message that does not match fails the receiver's test or wait with PT_ERR_COMM and a
 * text that names the sender and what was damaged; the receiver's buffer is then spoilt.
 *
 * A wait on a peer that stays silent longer than the deadline fails with PT_ERR_COMM and
 * a text that names the rank and what it owes. In a job the pulse (common/pulse.h) knows
 * who is silent and who is only slow; without one (tests) a wait has its own deadline. */
#ifndef PT_COMMON_COMM_H
#define PT_COMMON_COMM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/status.h"

/* What a message is about; its tag is kind and index. */
typedef enum {
    PT_MSG_PAYLOAD = 1, /* worker -> rank 0, before the backward pass        */
    PT_MSG_RECORD,      /* rank 0 -> all: the step record                    */
    PT_MSG_PUSH,        /* worker -> server: index = key * PT_MSG_COVERS + cover number */
    PT_MSG_PULL,        /* server -> worker: new weights; index = key        */
    PT_MSG_MOMENTS,     /* worker <-> worker: batch norm; index = node * 2 + backward */
    PT_MSG_RUNNING,     /* rank 0 -> worker: running statistics              */
    PT_MSG_ROWS,        /* worker -> rank 0: output rows; index = block      */
    PT_MSG_PROBE,       /* worker -> rank 0: diagnostic gradients            */
    PT_MSG_VOTE, /* server <-> rank 0: are all gradients finite? index: 0 to, 1 from it */
    PT_MSG_FEATURES, /* rank 0 -> worker: statistics of the features      */
    PT_MSG_TEXT,     /* rank -> rank 0, at the start: a line about itself */
    PT_MSG_TERMS,    /* rank 0 -> worker, after the record: common/coupling.h */
    PT_MSG_FOUND     /* rank -> rank 0: its part of what a command looks for */
} pt_msg_kind;

enum {
    PT_MSG_MAX_INDEX = (1 << 24) - 1,
    PT_MSG_COVERS = 32, /* numbers of a cover's sub-trees are below */
    PT_MSG_CHECK_BYTES = 4
};

/* A message under way. The buffer belongs to comm until the wait ends, and the request
 * stays where it is: its checksum travels from here or to here. Zeroed = idle. */
typedef struct {
    bool active, receive;
    pt_msg_kind kind;
    int peer, index;
    uint32_t crc;     /* of what was sent */
    const void *data; /* [bytes] */
    size_t bytes;
    uintptr_t native, check; /* the carrier's handles: the message, its checksum */
} pt_request;

/* A carrier. Every function is local and returns at once. */
typedef struct {
    pt_status (*send)(void *self, int peer, int tag, const void *data, size_t bytes,
                      uintptr_t *native);
    pt_status (*recv)(void *self, int peer, int tag, void *data, size_t bytes,
                      uintptr_t *native);
    pt_status (*test)(void *self, uintptr_t *native, bool *done);
} pt_comm_ops;

typedef struct {
    const pt_comm_ops *ops;
    void *self;
    int rank, size;
    struct pt_pulse *pulse;      /* borrowed; NULL: none */
    double deadline_s;           /* of one wait without any progress; > 0 */
    uint64_t sent, received;     /* bytes posted so far, checksums included */
    void (*poll)(void *context); /* called while waiting, may be NULL */
    void *poll_context;
} pt_comm;

/* Posts a message; r must be idle. bytes <= INT_MAX. data is comm's until the wait. */
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

/* "what a kind of message is", for texts: "the step record", "gradients"; and one of it:
 * "gradients of key 17". */
const char *pt_msg_name(pt_msg_kind kind);
void pt_msg_describe(pt_msg_kind kind, int index, char *out, size_t n);

#endif
