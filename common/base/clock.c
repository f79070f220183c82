#include "common/base/clock.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

enum { SLEEP_MIN_NS = 20000, SLEEP_MAX_NS = 500000, SLEEP_IDLE_NS = 5000000 };

static double seconds_of(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double pt_clock(void)
{
    return seconds_of(CLOCK_MONOTONIC);
}

double pt_cpu_clock(void)
{
    return seconds_of(CLOCK_THREAD_CPUTIME_ID);
}

double pt_process_cpu_clock(void)
{
    return seconds_of(CLOCK_PROCESS_CPUTIME_ID);
}

double pt_date(void)
{
    return seconds_of(CLOCK_REALTIME);
}

void pt_duration_text(double seconds, char text[PT_DURATION])
{
    long s = isfinite(seconds) && seconds < 1e9 ? lrint(seconds) : 0;
    long days = s / 86400, h = s / 3600 % 24, m = s / 60 % 60;

    if (days > 0)
        snprintf(text, PT_DURATION, "%ld d %ld:%02ld:%02ld", days, h, m, s % 60);
    else
        snprintf(text, PT_DURATION, "%ld:%02ld:%02ld", h, m, s % 60);
}

void pt_idle_begin(pt_idle *i)
{
    i->since = pt_clock();
    i->looks = 0;
}

/* A sleep that has grown with the wait, of `longest` ns at most. */
static void rest(const pt_idle *i, long longest)
{
    unsigned over = (i->looks - PT_IDLE_LOOKS) / 8;
    long ns = over > 10 ? longest : (long)SLEEP_MIN_NS << over;

    nanosleep(&(struct timespec){.tv_nsec = ns < longest ? ns : longest}, NULL);
}

void pt_idle_pause(pt_idle *i)
{
    double hundredth;

    if (++i->looks <= PT_IDLE_LOOKS) return;
    hundredth = pt_idle_seconds(i) * 1e7; /* of the wait so far, in ns */
    rest(i, hundredth < SLEEP_MAX_NS    ? SLEEP_MAX_NS
            : hundredth > SLEEP_IDLE_NS ? SLEEP_IDLE_NS
                                        : (long)hundredth);
}

void pt_idle_pause_briefly(pt_idle *i)
{
    if (++i->looks > PT_IDLE_LOOKS) rest(i, SLEEP_MAX_NS);
}

double pt_idle_seconds(const pt_idle *i)
{
    return pt_clock() - i->since;
}
