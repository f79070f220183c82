/* Several workers in one process, each a thread: batch norm's sums pass through a shared
 * table between two barriers. */
#ifndef PT_TESTS_LOOPBACK_EXCHANGE_H
#define PT_TESTS_LOOPBACK_EXCHANGE_H

#include <pthread.h>

#include "worker/engine/net/net.h"

enum { LOOPBACK_MAX_WORKERS = 16, LOOPBACK_MAX_SHARDS = 64 };

typedef struct loopback_exchange loopback_exchange;

/* One worker's end; what the hooks get as context. */
typedef struct {
    loopback_exchange *shared;
    int worker, node;
    size_t len;
    pt_tree_add add;
    double *parts; /* this worker's values */
    double *all;   /* those of all workers, being merged */
} loopback_worker;

struct loopback_exchange {
    int n_workers, n_shards, b;
    pthread_barrier_t barrier;
    loopback_worker ends[LOOPBACK_MAX_WORKERS];
    size_t calls; /* of exchanges, by all workers */
};

/* b: images of the batches; workers own the shards of pt_worker_shards. */
void loopback_exchange_init(loopback_exchange *x, int n_workers, int n_shards, int b);
void loopback_exchange_fini(loopback_exchange *x);

/* The hooks of pt_net_hooks; context: &x->ends[worker]. */
pt_status loopback_exchange_begin(void *context, int node, bool backward,
                                  const double *parts, size_t len, pt_tree_add add);
pt_status loopback_exchange_end(void *context, const double **total);

#endif
