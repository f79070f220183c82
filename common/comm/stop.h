/* The wish to stop: a signal sets it, the step record carries it to all ranks. */
#ifndef PT_COMMON_COMM_STOP_H
#define PT_COMMON_COMM_STOP_H

#include <signal.h>
#include <stdbool.h>

/* The signals that ask a process to stop: SIGUSR1, SIGTERM, SIGINT and SIGHUP. */
void pt_stop_signals(sigset_t *out);

/* From here on they ask this process to stop; a second SIGINT ends it at once. A SIGHUP
 * that whoever started us ignores (nohup) stays ignored, here and below. */
void pt_stop_on_signals(void);

/* Has `handler` take these signals, for a process that passes them on. */
void pt_stop_signals_to(void (*handler)(int sig));

/* From here on SIGUSR2 ends this process at once, with PT_STOP_AT_ONCE and code 1: for
 * rank 0, whose end ends the job. The others ignore it. */
void pt_stop_at_once_on_signal(bool first);
#define PT_STOP_AT_ONCE                                                                  \
    "ended at once, without a checkpoint: steps since the last checkpoint are lost"

/* The run is saved or finished: SIGUSR2 has nothing left to end. */
void pt_stop_settle(void);

bool pt_stop_asked(void);

/* Asks, or takes it back, without a signal. */
void pt_stop_ask(bool stop);

#endif
