/* Who is alive: heartbeats that the ranks exchange while they poll. They distinguish a
 * slow rank from a silent one, and a waiting rank from the one it waits for.
 *
 * Every rank reports to ranks 0 and 1, and these two report to all: how far it has got
 * (any completed message or work item is progress) and which rank it waits for. A waiting
 * rank is late when a rank that reports to it has been silent for the deadline, or when
 * no rank has made progress for that long. Rank 0 is late first, rank 1 five seconds
 * later (rank 0 may be the silent one), the others after ten, unless one of these two has
 * announced that it printed the error. Time in which this rank itself did not poll does
 * not count.
 *
 * Heartbeats are rare (ten per deadline, but no more than one in 0.1 s and no fewer than
 * one in 5 s), carry no checksum and are not in pt_comm's counts. Used by the MPI thread
 * only. */
#ifndef PT_COMMON_COMM_PULSE_H
#define PT_COMMON_COMM_PULSE_H

#include <stdbool.h>

#include "common/comm/carrier.h"

typedef struct pt_pulse pt_pulse;

enum { PT_PULSE_HOST_BYTES = 256 };

/* How many seconds after rank 0 this rank is late. */
double pt_pulse_stagger(int rank);

/* Borrows c, whose deadline_s it follows. Posts the first receives. */
PT_MUST_USE pt_status pt_pulse_create(pt_comm *c, pt_pulse **out);

/* Takes ownership of the host names [size][PT_PULSE_HOST_BYTES] (malloc'd); until then
 * hosts are unknown. */
void pt_pulse_set_hosts(pt_pulse *p, char *hosts);

/* The host name of a rank, "unknown" without names; borrowed from p. */
const char *pt_pulse_host(const pt_pulse *p, int rank);

/* Call after pt_pulse_end. */
void pt_pulse_destroy(pt_pulse **p);

/* Counts one unit of progress of this rank. */
void pt_pulse_progress(pt_pulse *p);

/* Receives and sends heartbeats when they are due; r [n]: what this rank waits for, n =
 * 0: unknown. Cheap to call often. */
void pt_pulse_serve(pt_pulse *p, const pt_request *r, size_t n);

/* Is this rank late? For a rank that waits, after pt_pulse_serve. */
bool pt_pulse_late(const pt_pulse *p);

/* PT_ERR_COMM with a text that names the debtor: "rank 2 (host b) has owed gradients of
 * key 17 for 300 s". If another rank has printed its line, this one prints none. */
PT_MUST_USE pt_status pt_pulse_fail(const pt_pulse *p, const pt_request *r, size_t n);

/* Announces that this rank has printed the error and that the job will end with `code`;
 * takes at most 0.1 s. */
void pt_pulse_announce(pt_pulse *p, int code);

/* The exit code that another rank has announced, or `mine`. */
int pt_pulse_code(const pt_pulse *p, int mine);

/* Called by all ranks at the end: on return no heartbeat is in flight. Gives up if a rank
 * stays silent for the deadline. */
void pt_pulse_end(pt_pulse *p);

#endif
