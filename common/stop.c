#include "common/stop.h"

#include <stddef.h>
#include <string.h>

static const int signals[] = {SIGUSR1, SIGTERM, SIGINT, SIGHUP};
enum { N_SIGNALS = sizeof signals / sizeof *signals };

static volatile sig_atomic_t asked, interrupted;

void pt_stop_signals(sigset_t *out)
{
    sigemptyset(out);
    for (int i = 0; i < N_SIGNALS; i++) sigaddset(out, signals[i]);
}

static void on_signal(int sig)
{
    if (sig == SIGINT && interrupted) {
        signal(SIGINT, SIG_DFL);
        raise(SIGINT);
        return;
    }
    interrupted = interrupted || sig == SIGINT;
    asked = 1;
}

void pt_stop_signals_to(void (*handler)(int sig))
{
    struct sigaction a;

    memset(&a, 0, sizeof a);
    a.sa_handler = handler;
    a.sa_flags = SA_RESTART;
    for (int i = 0; i < N_SIGNALS; i++) sigaction(signals[i], &a, NULL);
}

void pt_stop_on_signals(void)
{
    pt_stop_signals_to(on_signal);
}

bool pt_stop_asked(void)
{
    return asked != 0;
}

void pt_stop_ask(bool stop)
{
    asked = stop;
}
