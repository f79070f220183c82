/* Compute threads of one worker. They process numbered items; an item's result must not
 * depend on the thread that does it, and no sum is split between items. */
#ifndef PT_WORKER_ENGINE_THREADS_H
#define PT_WORKER_ENGINE_THREADS_H

#include "common/base/status.h"

typedef struct pt_threads pt_threads;

enum { PT_MAX_THREADS = 256 };

/* n_threads in 1..PT_MAX_THREADS, including the caller's thread; 1 starts none.
 * PT_ERR_CONFIG for another number. */
PT_MUST_USE pt_status pt_threads_create(int n_threads, pt_threads **out);
void pt_threads_destroy(pt_threads **p);
int pt_threads_count(const pt_threads *p);

/* Calls work(context, item, thread) for items 0..n-1, each once, thread in
 * 0..n_threads-1; the caller's thread takes part as thread 0 and calls
 * poll(poll_context) between its items when poll is set. Returns when all are done. */
void pt_threads_run(pt_threads *p, int n_items,
                    void (*work)(void *, int item, int thread), void *context);
void pt_threads_set_poll(pt_threads *p, void (*poll)(void *), void *context);

#endif
