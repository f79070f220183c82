/* The request to stop: a signal sets it, the step record carries it to all ranks. */
#ifndef PT_COMMON_COMM_STOP_H
#define PT_COMMON_COMM_STOP_H

#include <signal.h>
#include <stdbool.h>

/* The signals that ask a process to stop: SIGUSR1, SIGTERM, SIGINT and SIGHUP. */
void pt_stop_signals(sigset_t *out);

/* From here on these signals ask this process to stop; a second SIGINT ends it at once.
 * If the parent ignores SIGHUP (nohup) it stays ignored, here and below. */
void pt_stop_on_signals(void);

/* Installs `handler` for these signals, in a process that forwards them. */
void pt_stop_signals_to(void (*handler)(int sig));

/* From here on SIGUSR2 ends this process at once with PT_STOP_AT_ONCE and code 1 (first:
 * rank 0, whose end ends the job), or is ignored (the other ranks). */
void pt_stop_at_once_on_signal(bool first);
#define PT_STOP_AT_ONCE                                                                  \
    "ended at once, without a checkpoint: steps since the last checkpoint are lost"

/* The run is saved or finished: SIGUSR2 has nothing left to end. */
void pt_stop_settle(void);

bool pt_stop_asked(void);

/* Sets or withdraws the request without a signal. */
void pt_stop_ask(bool stop);

#endif
