#include "common/comm/watchdog.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/base/fscall.h"
#include "common/base/log.h"

enum { TICK_MS = 100, END_S = 10, HUNG_S = 2, DEBTS_BYTES = 1024 };

static struct {
    bool started;
    pthread_t thread;
    pthread_mutex_t lock; /* of everything down to the atomics */
    pthread_cond_t wake;
    bool stop;
    char host[256], debts[DEBTS_BYTES];
    const char *phase, *waits;
    uint64_t step;
    bool in_step;
    double deadline_s, stagger_s;
    pt_fscall files; /* of the MPI thread */
    atomic_uint_least64_t heartbeats;
    atomic_bool line_claimed, wants_end;
    atomic_int end_code; /* -1: not ending */
} dog = {.lock = PTHREAD_MUTEX_INITIALIZER, .end_code = -1};

void pt_watchdog_heartbeat(void)
{
    atomic_fetch_add_explicit(&dog.heartbeats, 1, memory_order_relaxed);
}

void pt_watchdog_set_deadline(double deadline_s)
{
    pt_watchdog_heartbeat();
    pthread_mutex_lock(&dog.lock);
    dog.deadline_s = deadline_s;
    pthread_mutex_unlock(&dog.lock);
}

void pt_watchdog_at(uint64_t step, const char *phase)
{
    pthread_mutex_lock(&dog.lock);
    dog.step = step;
    dog.phase = phase;
    dog.in_step = true;
    pthread_mutex_unlock(&dog.lock);
}

void pt_watchdog_waits(const char *what)
{
    pthread_mutex_lock(&dog.lock);
    dog.waits = what;
    dog.debts[0] = '\0';
    pthread_mutex_unlock(&dog.lock);
}

void pt_watchdog_owed(const char *debts)
{
    pthread_mutex_lock(&dog.lock);
    snprintf(dog.debts, sizeof dog.debts, "%s", debts);
    pthread_mutex_unlock(&dog.lock);
}

bool pt_watchdog_claim_line(void)
{
    return !atomic_exchange(&dog.line_claimed, true);
}

bool pt_watchdog_wants_end(void)
{
    return atomic_load(&dog.wants_end);
}

void pt_watchdog_end_soon(int code)
{
    atomic_store(&dog.end_code, code);
}

void pt_watchdog_where(char *out, size_t n)
{
    char step[40] = "start-up";

    *out = '\0';
    if (!dog.started) return;
    pthread_mutex_lock(&dog.lock);
    if (dog.in_step)
        snprintf(step, sizeof step, "step %llu", (unsigned long long)dog.step + 1);
    if (dog.waits)
        snprintf(out, n, "host %s, %s, waiting for %s: ", dog.host, step, dog.waits);
    else if (dog.phase)
        snprintf(out, n, "host %s, %s, %s: ", dog.host, step, dog.phase);
    else
        snprintf(out, n, "host %s, %s: ", dog.host, step);
    pthread_mutex_unlock(&dog.lock);
}

/* The MPI thread is stuck: prints the line and gives it a last chance to abort the job.
 */
static void report_hang(double silent_s)
{
    char where[512], debts[DEBTS_BYTES], call[PT_FSCALL_TEXT], line[4 * DEBTS_BYTES];

    pt_watchdog_where(where, sizeof where);
    pthread_mutex_lock(&dog.lock);
    memcpy(debts, dog.debts, sizeof debts);
    pthread_mutex_unlock(&dog.lock);
    pt_fscall_describe(&dog.files, call);
    snprintf(line, sizeof line, "%sno progress for %.0f s%s%s%s%s", where, silent_s,
             *call ? "; " : "", call, *debts ? "; " : "", debts);
    if (pt_watchdog_claim_line()) pt_log_error(line);
    atomic_store(&dog.wants_end, true);
}

/* Sleeps one tick; returns the limit of silence, or a negative number to end the thread.
 */
static double tick(void)
{
    struct timespec t;
    double limit;

    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_nsec += TICK_MS * 1000000L;
    t.tv_sec += t.tv_nsec / 1000000000L;
    t.tv_nsec %= 1000000000L;
    pthread_mutex_lock(&dog.lock);
    if (!dog.stop) pthread_cond_timedwait(&dog.wake, &dog.lock, &t);
    limit = dog.stop ? -1 : dog.deadline_s + dog.stagger_s;
    pthread_mutex_unlock(&dog.lock);
    return limit;
}

static void *watch(void *arg)
{
    uint64_t seen = 0;
    double silent_s = 0, ending_s = 0, limit;

    while ((limit = tick()) >= 0) {
        uint64_t heartbeats = atomic_load(&dog.heartbeats);
        int code = atomic_load(&dog.end_code);

        if (code >= 0 || pt_watchdog_wants_end()) {
            ending_s += TICK_MS * 1e-3;
            if (code < 0 && ending_s > HUNG_S) _exit(1);
            if (ending_s > END_S) _exit(code);
            continue;
        }
        silent_s = heartbeats == seen ? silent_s + TICK_MS * 1e-3 : 0;
        seen = heartbeats;
        if (silent_s > limit) report_hang(silent_s);
    }
    return NULL;
}

static void reset(void)
{
    dog.stop = dog.in_step = false;
    dog.phase = dog.waits = NULL;
    dog.debts[0] = '\0';
    atomic_store(&dog.line_claimed, false);
    atomic_store(&dog.wants_end, false);
    atomic_store(&dog.end_code, -1);
}

pt_status pt_watchdog_start(const char *host, double deadline_s, double stagger_s)
{
    pthread_condattr_t monotonic;
    sigset_t all, before;
    int bad;

    snprintf(dog.host, sizeof dog.host, "%s", host);
    dog.deadline_s = deadline_s;
    dog.stagger_s = stagger_s;
    reset();
    pt_fscall_init(&dog.files);
    pt_fscall_here(&dog.files);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&dog.wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    dog.started = true; /* the thread reads it */
    sigfillset(&all);   /* signals are for the other threads */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bad = pthread_create(&dog.thread, NULL, watch, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!bad) return PT_OK;
    dog.started = false;
    return pt_fail(PT_ERR_NOMEM, "cannot start the watchdog: %s", strerror(bad));
}

void pt_watchdog_stop(void)
{
    if (!dog.started) return;
    pthread_mutex_lock(&dog.lock);
    dog.stop = true;
    pthread_cond_signal(&dog.wake);
    pthread_mutex_unlock(&dog.lock);
    pthread_join(dog.thread, NULL);
    pthread_cond_destroy(&dog.wake);
    pt_fscall_here(NULL);
    dog.started = false;
}
