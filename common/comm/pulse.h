/* Who is alive: small messages among the ranks while they poll, which tell a slow rank
 * from a silent one and a waiting rank from the one it waits for.
 *
 * Every rank tells ranks 0 and 1, and these two tell all: how far it is (any message
 * completed, any work item done is progress) and for whom it waits. A rank that waits is
 * late when one that it hears has been silent for the deadline, or when nobody made
 * progress for so long. Rank 0 is late first, rank 1 five seconds after it (rank 0 may be
 * the silent one), the others after ten, unless one of the two has said that it spoke.
 * Time in which this rank itself did not poll does not count.
 *
 * These messages are few (one in a tenth of the deadline, at most one in 0.1 s and at
 * least one in 5 s), carry no checksum and are not in pt_comm's counts. Used by the MPI
 * thread alone. */
#ifndef PT_COMMON_COMM_PULSE_H
#define PT_COMMON_COMM_PULSE_H

#include <stdbool.h>

#include "common/comm/carrier.h"

typedef struct pt_pulse pt_pulse;

enum { PT_PULSE_HOST_BYTES = 256 };

/* Seconds after rank 0 at which this rank is late. */
double pt_pulse_stagger(int rank);

/* Borrows c, whose deadline_s it follows. Posts the first receives. */
PT_MUST_USE pt_status pt_pulse_create(pt_comm *c, pt_pulse **out);

/* Takes the names [size][PT_PULSE_HOST_BYTES] (malloc'd); until then hosts have none. */
void pt_pulse_set_hosts(pt_pulse *p, char *hosts);

/* After pt_pulse_end. */
void pt_pulse_destroy(pt_pulse **p);

/* Something was done. */
void pt_pulse_progress(pt_pulse *p);

/* Beats, hears, tells; r [n]: what this rank waits for, n = 0: nothing known. Cheap to
 * call often. */
void pt_pulse_serve(pt_pulse *p, const pt_request *r, size_t n);

/* Is it late? Only a rank that waits asks, after serve. */
bool pt_pulse_late(const pt_pulse *p);

/* PT_ERR_COMM with a text that names the debtor: "rank 2 (host b) has owed gradients of
 * key 17 for 300 s". If another rank has printed its line, this one prints none. */
PT_MUST_USE pt_status pt_pulse_fail(const pt_pulse *p, const pt_request *r, size_t n);

/* This rank spoke and the job will end with `code`: tells who listens; at most 0.1 s. */
void pt_pulse_cry(pt_pulse *p, int code);

/* The exit code of a rank that spoke before, or `mine`. */
int pt_pulse_code(const pt_pulse *p, int mine);

/* All ranks, at the end: no message of these is under way any more. Gives up where a
 * rank stays silent for the deadline. */
void pt_pulse_end(pt_pulse *p);

#endif
