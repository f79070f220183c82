/* A thread that watches the thread that calls MPI, and never calls MPI itself. What is
 * recorded here about the rank (step, phase, what it waits for) also goes into the one
 * line that a failing job prints, whichever thread prints it.
 *
 * The MPI thread counts a heartbeat whenever it polls: on every test within a wait, and
 * between work items. A rank without a heartbeat for its deadline hangs: the watchdog
 * prints one line, asks the MPI thread to abort, and ends the process two seconds later
 * if that has not happened. Silence is counted in the watchdog's own ticks, so the time
 * that a process spends suspended does not count.
 *
 * One per process, like the job. Before start all functions are no-ops, and
 * pt_watchdog_claim_line returns true. Local; any thread unless stated otherwise. */
#ifndef PT_COMMON_COMM_WATCHDOG_H
#define PT_COMMON_COMM_WATCHDOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/status.h"

/* Called by the MPI thread: the line names the file-system call that this thread is in
 * (common/base/fscall.h). stagger_s: how much later than its deadline this rank prints
 * its line. A start after a stop begins from a clean state. */
PT_MUST_USE pt_status pt_watchdog_start(const char *host, double deadline_s,
                                        double stagger_s);
void pt_watchdog_stop(void);
void pt_watchdog_set_deadline(double deadline_s);

/* The MPI thread is alive. */
void pt_watchdog_heartbeat(void);

/* Where the rank is; phase: static text, "forward pass". Steps count from 0 here and from
 * 1 in the printed line, as on the progress line. */
void pt_watchdog_at(uint64_t step, const char *phase);

/* The rank waits for `what` (static text), or for nothing (NULL). */
void pt_watchdog_waits(const char *what);

/* Who owes this rank what; copied. */
void pt_watchdog_owed(const char *debts);

/* "host a, step 41, waiting for gradients: ", or "" before start. */
void pt_watchdog_where(char *out, size_t n);

/* True for the first caller only: a rank prints one line. */
bool pt_watchdog_claim_line(void);

/* Has the watchdog printed its line, so that the MPI thread must abort? */
bool pt_watchdog_wants_end(void);

/* Ends the process with `code` in ten seconds, if it is still there. */
void pt_watchdog_end_soon(int code);

#endif
