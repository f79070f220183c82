#include "common/comm/stop.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

static const int signals[] = {SIGUSR1, SIGTERM, SIGINT, SIGHUP};
enum { N_SIGNALS = sizeof signals / sizeof *signals };

static volatile sig_atomic_t asked, interrupted, settled;

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

static bool is_ignored(int sig)
{
    struct sigaction was;

    return sigaction(sig, NULL, &was) == 0 && was.sa_handler == SIG_IGN;
}

void pt_stop_signals_to(void (*handler)(int sig))
{
    struct sigaction a;

    memset(&a, 0, sizeof a);
    a.sa_handler = handler;
    a.sa_flags = SA_RESTART;
    for (int i = 0; i < N_SIGNALS; i++)
        if (signals[i] != SIGHUP || !is_ignored(SIGHUP)) sigaction(signals[i], &a, NULL);
}

void pt_stop_on_signals(void)
{
    pt_stop_signals_to(on_signal);
}

static void end_at_once(int sig)
{
    static const char line[] = "rank 0: error: " PT_STOP_AT_ONCE "\n";

    if (settled) return;
    while (write(STDERR_FILENO, line, sizeof line - 1) < 0 && errno == EINTR) continue;
    _exit(1);
}

void pt_stop_at_once_on_signal(bool first)
{
    struct sigaction a;

    memset(&a, 0, sizeof a);
    a.sa_handler = first ? end_at_once : SIG_IGN;
    a.sa_flags = SA_RESTART;
    sigaction(SIGUSR2, &a, NULL);
}

void pt_stop_settle(void)
{
    settled = 1;
}

bool pt_stop_asked(void)
{
    return asked != 0;
}

void pt_stop_ask(bool stop)
{
    asked = stop;
}
