/* What carries messages, behind a table of operations, and the requests in flight on it.
 * Types only: comm.h sends and waits, pulse.h watches which ranks are alive. */
#ifndef PT_COMMON_COMM_CARRIER_H
#define PT_COMMON_COMM_CARRIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/status.h"
#include "common/comm/message.h"

/* Messages over PT_MSG_PART_BYTES travel in parts of that size: MPI's counts end at 2^31,
 * and each part of a large message shows progress. */
enum { PT_MSG_CHECK_BYTES = 4, PT_MSG_PART_BYTES = 1 << 26 };

/* Parts of gradients and weights that leave unasked: what MPI sends without the
 * receiver's permission (Open MPI over TCP: 65,536 bytes with a header). A larger message
 * waits for its permission, and is complete with a note after its last byte; MPI queues
 * both behind all data for the same peer. */
enum { PT_MSG_UNASKED_BYTES = 64000 };

/* What travels of a message that is lent. */
enum { PT_MSG_PLACE_BYTES = sizeof(uint64_t) };

/* What a carrier keeps apart, in MPI by a communicator each. */
typedef enum {
    PT_CHANNEL_MESSAGES,
    PT_CHANNEL_CHECKSUMS,
    PT_CHANNEL_PULSE, /* heartbeats: common/comm/pulse.h */
    PT_CHANNELS
} pt_channel;

/* A message in flight. The buffer belongs to comm until the wait ends, and the request
 * must not move: its checksum is sent from here or received here. Zeroed = idle. */
typedef struct {
    bool active, receive;
    bool lent; /* what travels is `place`, where the bytes are in the sender's segment */
    pt_msg_kind kind;
    int peer, index;
    uint32_t crc; /* of what was sent */
    void *data;   /* [bytes]; only read when sending. After the wait: what was received */
    size_t bytes;
    uint64_t place;
    size_t lent_bytes;       /* of a receive */
    uintptr_t native, check; /* the carrier's handles: the message, its checksum */
    uintptr_t *more;         /* of the parts after the first; NULL: none */
    size_t parts_done;
} pt_request;

/* A carrier. Every function is local and, but for wait, returns at once. Messages of one
 * sender, channel and tag are received in the order in which they were sent. */
typedef struct {
    pt_status (*send)(void *self, pt_channel channel, int peer, int tag, const void *data,
                      size_t bytes, uintptr_t *native);
    pt_status (*recv)(void *self, pt_channel channel, int peer, int tag, void *data,
                      size_t bytes, uintptr_t *native);
    pt_status (*test)(void *self, uintptr_t *native, bool *done);
    /* Until it is done, in the place of looks and sleeps; NULL where peers may be lost
     * and so a wait needs a deadline: everywhere but in a simulation (launch/plan). */
    pt_status (*wait)(void *self, uintptr_t *native);
} pt_comm_ops;

/* Sent gradients and weights that have not been taken yet, as far as tests have shown. */
typedef struct {
    size_t n;
    double since;   /* the clock when n became 1 */
    double seconds; /* with n > 0, before that */
} pt_under_way;

typedef struct {
    const pt_comm_ops *ops;
    void *self;
    int rank, size;
    struct pt_pulse *pulse;       /* borrowed; NULL: none */
    struct pt_segments *segments; /* borrowed; NULL: nothing is lent */
    double deadline_s;            /* of one wait without any progress; > 0 */
    size_t part_bytes; /* same on all ranks; 0: PT_MSG_PART_BYTES (tests: less) */
    bool unasked;      /* same on all ranks: pt_window_unasked (common/run/window.h) */
    uint64_t sent, received; /* bytes posted so far, checksums included */
    pt_under_way under_way;
    /* Called while waiting, may be NULL: what this rank does for others. *moved, false
     * before: something was done, so that there may be more soon. A failure ends the
     * wait. Waits of a carrier's own (ops->wait) do not call it. */
    pt_status (*poll)(void *context, bool *moved);
    void *poll_context;
} pt_comm;

#endif
