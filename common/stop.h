/* The wish to stop: a signal sets it, the step record carries it to all ranks. */
#ifndef PT_COMMON_STOP_H
#define PT_COMMON_STOP_H

#include <signal.h>
#include <stdbool.h>

/* The signals that ask a process to stop: SIGUSR1, SIGTERM, SIGINT and SIGHUP. */
void pt_stop_signals(sigset_t *out);

/* From here on they ask this process to stop; a second SIGINT ends it at once. */
void pt_stop_on_signals(void);

/* Has `handler` take these signals, for a process that passes them on. */
void pt_stop_signals_to(void (*handler)(int sig));

bool pt_stop_asked(void);

/* Asks, or takes it back, without a signal. */
void pt_stop_ask(bool stop);

#endif
