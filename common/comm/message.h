/* Kinds of messages, their tags, and their names in error lines. Pure.
 *
 * MPI guarantees tags up to 32,767, and some transports allow little more: 2^19 - 1 with
 * one mode of libfabric, 2^23 - 1 with UCX, 2^28 - 1 with MPICH. All tags of ptrain fit
 * the guarantee. Two choices make that possible:
 *
 * - A checksum has the tag of its message and a communicator of its own (pt_channel in
 *   common/comm/carrier.h); so do the heartbeats.
 * - A tag distinguishes only what may be in flight at once and in any order: keys, nodes
 *   of batch norm. Where both ends handle the messages of a kind in the same order, MPI
 *   keeps that order and they share one tag: the sub-trees of a key, the blocks of a
 *   test, the parts of a large message. */
#ifndef PT_COMMON_COMM_MESSAGE_H
#define PT_COMMON_COMM_MESSAGE_H

#include <stddef.h>

/* kind; number of tags; indices that share a tag; name */
#define PT_MSG_LIST(X)                                                                   \
    /* worker -> rank 0, before the backward pass */                                     \
    X(PAYLOAD, 1, 1, "the step's norms")                                                 \
    /* rank 0 -> all: the step record */                                                 \
    X(RECORD, 1, 1, "the step record")                                                   \
    /* worker -> server; index = key * PT_MSG_COVERS + number in the cover */            \
    X(PUSH, PT_MSG_MAX_KEYS, PT_MSG_COVERS, "gradients")                                 \
    /* server -> worker: new weights; index = key */                                     \
    X(PULL, PT_MSG_MAX_KEYS, 1, "weights")                                               \
    /* worker <-> worker: batch norm; index = node * 2 + backward */                     \
    X(MOMENTS, 2 * PT_MSG_MAX_NODES, 1, "batch-norm sums")                               \
    /* rank 0 -> worker: running statistics */                                           \
    X(RUNNING, 1, 1, "running statistics")                                               \
    /* worker -> rank 0: output rows; index = block, in ascending order */               \
    X(ROWS, 1, INT_MAX, "test outputs")                                                  \
    /* worker -> rank 0: diagnostic gradients; index = which * COVERS + number */        \
    X(PROBE, 2, PT_MSG_COVERS, "diagnostic gradients")                                   \
    /* server <-> rank 0: are all gradients finite? index: 0 to, 1 from it */            \
    X(VOTE, 2, 1, "votes on gradients")                                                  \
    /* server -> rank 0, as a step begins: what it has spent, and whether to stop */     \
    X(REPORT, 1, 1, "its report of the step")                                            \
    /* server -> rank 0: weights for a file; index = key, in ascending order */          \
    X(COLLECT, 1, INT_MAX, "weights for the model's file")                               \
    /* rank 0 -> worker: statistics of the features */                                   \
    X(FEATURES, 1, 1, "feature statistics")                                              \
    /* rank -> rank 0, at the start: a line about itself */                              \
    X(TEXT, 1, 1, "its start-up report")                                                 \
    /* rank 0 -> worker, after the record: common/run/coupling.h */                      \
    X(TERMS, 1, 1, "terms of coupled images")                                            \
    /* rank -> rank 0: its part of a command's results */                                \
    X(FOUND, 1, 1, "its results")                                                        \
    /* rank <-> rank: common/comm/link.h */                                              \
    X(LINK, 1, 1, "its part of a measurement")                                           \
    /* worker -> server: common/run/factors.h; index = node */                           \
    X(FACTORS, PT_MSG_MAX_NODES, 1, "gradient factors")

enum {
    PT_MSG_COVERS = 32, /* more than any cover has: PT_MAX_COVER is smaller */
    PT_MSG_MAX_KEYS = 8192,
    PT_MSG_MAX_NODES = 4096, /* of a graph */
    PT_MSG_MAX_TAG = 32767   /* the standard's minimum */
};

#define PT_MSG_ENUM(kind, tags, share, text) PT_MSG_##kind,
typedef enum { PT_MSG_NONE, PT_MSG_LIST(PT_MSG_ENUM) PT_MSG_KINDS } pt_msg_kind;

/* The tag, 0 to PT_MSG_MAX_TAG. An index out of the kind's range is a broken invariant.
 */
int pt_msg_tag(pt_msg_kind kind, int index);

/* The kind that has this tag; PT_MSG_NONE: no kind. */
pt_msg_kind pt_msg_kind_of(int tag);

/* The name of a kind, "gradients", and of one message of it, "gradients of key 17". */
const char *pt_msg_name(pt_msg_kind kind);
void pt_msg_describe(pt_msg_kind kind, int index, char *out, size_t n);

/* Which of its kind a message is: "key 17"; "" if there is only one. */
void pt_msg_which(pt_msg_kind kind, int index, char *out, size_t n);

#endif
