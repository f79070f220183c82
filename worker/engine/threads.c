/* A run is a job with a number. The caller writes the job under the lock, gives it the
 * next number, opens it and takes items itself, from one atomic counter; threads that see
 * a new number join while it is open. When the caller finds no item left it closes the
 * run, so that a thread that wakes late does not join, and waits for those that did.
 *
 * What must hold: the job's fields change only while the run is closed and nobody is busy
 * (`busy` counts those that joined), so they are read without the lock. Only the caller
 * polls, between its items: messages move on the one thread that may call MPI. */
#include "worker/engine/threads.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

enum { SPINS = 2000 }; /* before a thread sleeps */

typedef struct {
    pt_threads *pool;
    int index;
    pthread_t id;
} thread;

struct pt_threads {
    int n_threads;
    int n_started; /* of threads[1..] */
    thread *threads;
    void (*poll)(void *);
    void *poll_context;

    pthread_mutex_t lock;
    pthread_cond_t wake; /* a run was opened, or stop */
    pthread_cond_t idle; /* busy became 0 */
    atomic_ulong run; /* number of the run; changed under lock, as are the next three */
    bool open;        /* threads may still join it: late ones are not waited for */
    atomic_int busy;  /* threads in the current run */
    bool stop;

    /* The current run: written under lock while it is closed and no thread is busy. */
    void (*work)(void *, int item, int thread);
    void *context;
    int n_items;
    atomic_int next;
};

static void take_items(pt_threads *p, int index)
{
    for (;;) {
        int item = atomic_fetch_add_explicit(&p->next, 1, memory_order_relaxed);

        if (item >= p->n_items) return;
        p->work(p->context, item, index);
        if (index == 0 && p->poll) p->poll(p->poll_context);
    }
}

/* Layers of small networks take less time than the kernel needs to wake a thread: an idle
 * thread spins for 36 us (on a Zen 5 core) before it sleeps. */
static void spin(void)
{
#if defined __x86_64__
    __builtin_ia32_pause();
#endif
}

/* Spins until a run other than this is opened; false: none was, sleep. */
static bool await_run(const pt_threads *p, unsigned long run)
{
    for (int i = 0; i < SPINS; i++, spin())
        if (atomic_load_explicit(&p->run, memory_order_relaxed) != run) return true;
    return false;
}

static void await_idle(const pt_threads *p)
{
    for (int i = 0; i < SPINS; i++, spin())
        if (atomic_load_explicit(&p->busy, memory_order_relaxed) == 0) return;
}

static void leave(pt_threads *p)
{
    if (--p->busy == 0) pthread_cond_signal(&p->idle);
}

/* Waits for a run to join that is not `seen`, or for stop. The lock is held on entry and
 * on return. */
static void wait_for_run(pt_threads *p, unsigned long seen)
{
    bool spins = true;

    while (!(p->open && p->run != seen) && !p->stop) {
        unsigned long run = p->run;

        if (spins) {
            pthread_mutex_unlock(&p->lock);
            spins = await_run(p, run);
            pthread_mutex_lock(&p->lock);
        } else {
            pthread_cond_wait(&p->wake, &p->lock);
            spins = true;
        }
    }
}

static void *thread_main(void *arg)
{
    thread *t = arg;
    pt_threads *p = t->pool;
    unsigned long seen = 0;

    pthread_mutex_lock(&p->lock);
    for (;;) {
        wait_for_run(p, seen);
        if (p->stop) break;
        seen = p->run;
        p->busy++;
        pthread_mutex_unlock(&p->lock);
        take_items(p, t->index);
        pthread_mutex_lock(&p->lock);
        leave(p);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

static void wait_idle(pt_threads *p)
{
    pthread_mutex_lock(&p->lock);
    p->open = false;
    pthread_mutex_unlock(&p->lock);
    await_idle(p);
    pthread_mutex_lock(&p->lock);
    while (p->busy > 0) pthread_cond_wait(&p->idle, &p->lock);
    pthread_mutex_unlock(&p->lock);
}

static pt_status start_threads(pt_threads *p)
{
    for (int i = 1; i < p->n_threads; i++) {
        p->threads[i] = (thread){.pool = p, .index = i};
        int error = pthread_create(&p->threads[i].id, NULL, thread_main, &p->threads[i]);

        if (error)
            return pt_fail(PT_ERR_NOMEM,
                           "thread %d of %d could not be started (error %d)", i,
                           p->n_threads, error);
        p->n_started++;
    }
    return PT_OK;
}

pt_status pt_threads_create(int n_threads, pt_threads **out)
{
    *out = NULL;
    if (n_threads < 1 || n_threads > PT_MAX_THREADS) {
        return pt_fail(PT_ERR_CONFIG, "%d compute threads requested, must be 1 to %d",
                       n_threads, PT_MAX_THREADS);
    }
    pt_threads *p = calloc(1, sizeof *p);
    if (!p) return pt_fail(PT_ERR_NOMEM, "no memory for the thread pool");
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->wake, NULL);
    pthread_cond_init(&p->idle, NULL);
    p->n_threads = n_threads;
    p->threads = calloc((size_t)n_threads, sizeof *p->threads);

    pt_status s = PT_OK;
    if (!p->threads) s = pt_fail(PT_ERR_NOMEM, "no memory for %d threads", n_threads);
    if (s == PT_OK) s = start_threads(p);
    if (s == PT_OK) {
        *out = p;
        p = NULL;
    }
    pt_threads_destroy(&p);
    return s;
}

void pt_threads_destroy(pt_threads **pool)
{
    pt_threads *p = pool ? *pool : NULL;

    if (!p) return;
    pthread_mutex_lock(&p->lock);
    p->stop = true;
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
    for (int i = 1; i <= p->n_started; i++) pthread_join(p->threads[i].id, NULL);
    pthread_cond_destroy(&p->idle);
    pthread_cond_destroy(&p->wake);
    pthread_mutex_destroy(&p->lock);
    free(p->threads);
    free(p);
    *pool = NULL;
}

int pt_threads_count(const pt_threads *p)
{
    return p->n_threads;
}

void pt_threads_set_poll(pt_threads *p, void (*poll)(void *), void *context)
{
    p->poll = poll;
    p->poll_context = context;
}

void pt_threads_run(pt_threads *p, int n_items,
                    void (*work)(void *, int item, int thread), void *context)
{
    bool share = p->n_threads > 1 && n_items > 1;

    pthread_mutex_lock(&p->lock);
    p->work = work;
    p->context = context;
    p->n_items = n_items;
    atomic_store_explicit(&p->next, 0, memory_order_relaxed);
    if (share) {
        p->run++;
        p->open = true;
        pthread_cond_broadcast(&p->wake);
    }
    pthread_mutex_unlock(&p->lock);
    take_items(p, 0);
    if (share) wait_idle(p);
}
