/* Several workers in one process, each a thread: batch norm's sums pass through a shared
 * table between two barriers. */
#ifndef PT_TESTS_LOOPBACK_EXCHANGE_H
#define PT_TESTS_LOOPBACK_EXCHANGE_H

#include <pthread.h>

#include "worker/engine/net/net.h"

enum { LOOPBACK_MAX_WORKERS = 16 };

typedef struct loopback_exchange loopback_exchange;

/* One worker's end; what the hook gets as context. */
typedef struct {
    loopback_exchange *shared;
    int worker;
} loopback_worker;

struct loopback_exchange {
    int n_workers, n_shards, b;
    pthread_barrier_t barrier;
    loopback_worker ends[LOOPBACK_MAX_WORKERS];
    const double *parts[LOOPBACK_MAX_WORKERS];
    int node[LOOPBACK_MAX_WORKERS];
    size_t len[LOOPBACK_MAX_WORKERS];
    size_t calls; /* of the hook, by all workers */
};

/* b: images of the batches; workers own the shards of pt_worker_shards. */
void loopback_exchange_init(loopback_exchange *x, int n_workers, int n_shards, int b);
void loopback_exchange_fini(loopback_exchange *x);

/* The hook of pt_net_hooks.exchange; context: &x->ends[worker]. */
pt_status loopback_exchange_hook(void *context, int node, bool backward,
                                 const double *parts, size_t len, double *all,
                                 pt_subtree *trees, int *n_trees);

#endif
