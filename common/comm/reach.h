/* Can all ranks reach each other? Asked before the first collective: MPI's own wait for
 * ever, silently, where two hosts have no way to each other. */
#ifndef PT_COMMON_COMM_REACH_H
#define PT_COMMON_COMM_REACH_H

#include "common/comm/carrier.h"

enum { PT_REACH_HOST = 64 };

/* Every rank tells rank 0 its host, and gets those of all; then it exchanges a byte with
 * every other rank, in a job of more than PT_REACH_ALL ranks with those at a distance of
 * a power of two. PT_ERR_COMM if a rank has not answered after deadline_s, with a text
 * that names both ends and their hosts; the lower one fails first. The messages are bare,
 * and what is pending after a failure stays MPI's. Collective; c needs no pulse. */
PT_MUST_USE pt_status pt_reach(pt_comm *c, const char *host, double deadline_s);

/* The failure of rank `rank` on host `mine`, which has had no answer from peer (theirs:
 * "" where its host is not known) in `seconds`. */
PT_MUST_USE pt_status pt_reach_fail(int rank, const char *mine, int peer,
                                    const char *theirs, double seconds);

/* The i-th rank that `rank` of n exchanges a byte with, from 0 on; -1: there are no more.
 * Pure. */
enum { PT_REACH_ALL = 64 };
int pt_reach_peer(int rank, int n, int i);

#endif
