/* The schedule by which batch norm's sums reach every worker: who sends which values to
 * whom, in which order. Pure; the workers carry it out (worker/exchange.h), the traffic
 * formula counts it (common/run/traffic.h).
 *
 * The members of a batch are the workers that have images in it, from left to right; the
 * others take no part. A member holds a list: the values of the canonical cover
 * (pt_tree_cover) of consecutive shards, those that have images, from left to right. It
 * begins with the list of its own shards. Where lists of neighbours meet, complete
 * siblings are merged by pt_tree_merge, left + right, so that the list of a run of shards
 * has the same bits however it came about. Each member ends with the list of all shards:
 * the one value of the tree's root. Its moves:
 *
 *     1 gather   only where there are several hosts, one of them with several members:
 *                the members of a host are halved until each is alone; on the way back
 *                the first of the right half sends its list to the first of the left
 *     2 swap     recursive doubling over the first members of the hosts, or all members:
 *                they are halved until each is alone; on the way back the halves of a
 *                group swap their lists. Halves differ by one member at most: the spare
 *                one of the larger half gets the list of the smaller half's first.
 *                PT_MAX_DIRECT or fewer send their lists to each other, in one round
 *     3 spread   the result goes the way of the gathering back
 *
 * n members that swap take ceil(log2 n) rounds, in each of which a member receives one
 * list and sends at most two: n log2 n messages where everyone to everyone are n (n - 1).
 * No cycle of waiting is possible: a round waits only for rounds nearer to the leaves of
 * the same halving. Two workers exchange at most one message each way.
 *
 * Rejected: halving at a power of two (the members beyond it leave a last round in which
 * one worker sends to all others), and a ring (W - 1 rounds of latency for sums of some
 * kilobytes). Source of the pattern: Thakur, Rabenseifner and Gropp, Optimization of
 * collective communication operations in MPICH, 2005, section 4.5. */
#ifndef PT_COMMON_RUN_ALLREDUCE_H
#define PT_COMMON_RUN_ALLREDUCE_H

#include <stdbool.h>

#include "common/run/shards.h"

/* The workers that have images in a batch. */
typedef struct {
    int n, n_shards, images;      /* images: of the whole batch */
    int worker[PT_MAX_SHARDS];    /* of each, ascending */
    int host[PT_MAX_SHARDS];      /* number of its host */
    int first[PT_MAX_SHARDS + 1]; /* where its list begins: its first shard, for the
                                     first member 0; first[n] = n_shards */
} pt_members;

/* host [n_workers], the workers of a host beside each other; NULL: one host. */
void pt_members_init(pt_members *m, int n_workers, int n_shards, int images,
                     const int *host);

/* A message between a member and `peer`. */
typedef struct {
    int round; /* moves of one round are under way together; a list that is received
                  is merged when all have ended, and replaces one that it covers */
    int peer;  /* worker */
    bool receives;
    int lo, hi; /* shards of the list that travels */
} pt_move;

/* The moves of worker, by ascending round; those received in one round by ascending lo.
 * Returns how many; 0 also where the worker is no member, or the only one. */
enum { PT_MAX_MOVES = 64, PT_MAX_DIRECT = 2 };
int pt_members_moves(const pt_members *m, int worker, pt_move out[PT_MAX_MOVES]);

/* Values in the list of shards [lo, hi): sub-trees of their cover that have images. */
int pt_members_values(const pt_members *m, int lo, int hi);

#endif
