#include "tests/support/loopback_exchange.h"

#include <string.h>

void loopback_exchange_init(loopback_exchange *x, int n_workers, int n_shards, int b)
{
    *x = (loopback_exchange){.n_workers = n_workers, .n_shards = n_shards, .b = b};
    PT_CHECK(n_workers <= LOOPBACK_MAX_WORKERS, "%d workers", n_workers);
    pthread_barrier_init(&x->barrier, NULL, (unsigned)n_workers);
    for (int w = 0; w < n_workers; w++) x->ends[w] = (loopback_worker){x, w};
}

void loopback_exchange_fini(loopback_exchange *x)
{
    pthread_barrier_destroy(&x->barrier);
}

/* The sub-trees with images of one worker, after the `count` that are there already. */
static int take(const loopback_exchange *x, int worker, double *all, pt_subtree *trees,
                int count)
{
    pt_span span = {.n_shards = x->n_shards, .b = x->b};
    pt_subtree cover[PT_MAX_COVER];
    size_t len = x->len[worker];
    const double *from = x->parts[worker];

    pt_worker_shards(worker, x->n_workers, x->n_shards, &span.lo, &span.hi);
    int n = pt_tree_cover(span.lo, span.hi, x->n_shards, cover);
    for (int t = 0; t < n; t++) {
        if (pt_node_size(&span, cover[t].level, cover[t].index) == 0) continue;
        memcpy(all + (size_t)count * len, from, len * sizeof *all);
        from += len;
        trees[count++] = cover[t];
    }
    return count;
}

pt_status loopback_exchange_hook(void *context, int node, bool backward,
                                 const double *parts, size_t len, double *all,
                                 pt_subtree *trees, int *n_trees)
{
    const loopback_worker *end = context;
    loopback_exchange *x = end->shared;
    int count = 0;

    x->parts[end->worker] = parts;
    x->len[end->worker] = len;
    x->node[end->worker] = backward ? -node : node;
    pthread_barrier_wait(&x->barrier);
    for (int w = 0; w < x->n_workers; w++) {
        PT_CHECK(x->node[w] == x->node[0] && x->len[w] == len,
                 "workers 0 and %d exchange nodes %d and %d", w, x->node[0], x->node[w]);
        count = take(x, w, all, trees, count);
    }
    if (end->worker == 0) x->calls += (size_t)x->n_workers;
    pthread_barrier_wait(&x->barrier); /* the parts may change from here on */
    *n_trees = count;
    return PT_OK;
}
