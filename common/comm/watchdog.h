/* A thread that watches the one that calls MPI, and never touches MPI itself. What rests
 * here about the rank (step, phase, what it waits for) also goes into the one line that
 * a failing job prints, whoever prints it.
 *
 * The MPI thread beats whenever it polls: in every look of a wait, and between work
 * items. A rank that has not beaten for its deadline hangs: the thread prints one line,
 * asks the MPI thread to abort and ends the process two seconds later if it does not.
 * Silence is counted in the thread's own ticks, so that a process that was stopped and
 * continued has lost nothing.
 *
 * One per process, as the job is. All functions are no-ops, and speak says true, before
 * start. Local; any thread unless said otherwise. */
#ifndef PT_COMMON_COMM_WATCHDOG_H
#define PT_COMMON_COMM_WATCHDOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/status.h"

/* The MPI thread calls it: the line names the call to the file system that this thread
 * is in (common/base/fscall.h). stagger_s: how much later than its deadline this rank
 * speaks. After a stop it begins anew: nothing was said. */
PT_MUST_USE pt_status pt_watchdog_start(const char *host, double deadline_s,
                                        double stagger_s);
void pt_watchdog_stop(void);
void pt_watchdog_set_deadline(double deadline_s);

/* The MPI thread is alive. */
void pt_watchdog_beat(void);

/* Where it is; phase: static text, "forward pass". Steps are counted from 0 here and from
 * 1 in what is said of them, as on the progress line. */
void pt_watchdog_at(uint64_t step, const char *phase);

/* It waits for `what` (static text), or not (NULL); who owes what, copied. */
void pt_watchdog_waits(const char *what);
void pt_watchdog_owed(const char *debts);

/* "host a, step 41, waiting for gradients: ", or "" before start. */
void pt_watchdog_where(char *out, size_t n);

/* True for the first who asks: the rank has one line. */
bool pt_watchdog_speak(void);

/* Has the thread spoken, so that the MPI thread must abort? */
bool pt_watchdog_wants_end(void);

/* The process ends with `code` ten seconds from now at the latest. */
void pt_watchdog_end_soon(int code);

#endif
