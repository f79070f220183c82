#include "tests/support/loopback_exchange.h"

#include <stdlib.h>
#include <string.h>

void loopback_exchange_init(loopback_exchange *x, int n_workers, int n_shards, int b)
{
    *x = (loopback_exchange){.n_workers = n_workers, .n_shards = n_shards, .b = b};
    PT_CHECK(n_workers <= LOOPBACK_MAX_WORKERS && n_shards <= LOOPBACK_MAX_SHARDS,
             "%d workers, %d shards", n_workers, n_shards);
    pthread_barrier_init(&x->barrier, NULL, (unsigned)n_workers);
    for (int w = 0; w < n_workers; w++)
        x->ends[w] = (loopback_worker){.shared = x, .worker = w};
}

void loopback_exchange_fini(loopback_exchange *x)
{
    pthread_barrier_destroy(&x->barrier);
    for (int w = 0; w < x->n_workers; w++) {
        free(x->ends[w].parts);
        free(x->ends[w].all);
    }
}

static pt_span span_of(const loopback_exchange *x, int worker)
{
    pt_span span = {.n_shards = x->n_shards, .b = x->b};

    pt_worker_shards(worker, x->n_workers, x->n_shards, &span.lo, &span.hi);
    return span;
}

/* Sub-trees of one worker's cover that have images, and all (into trees). */
static int cover_of(const loopback_exchange *x, int worker, pt_subtree *trees, int *full)
{
    pt_span span = span_of(x, worker);
    int n = pt_tree_cover(span.lo, span.hi, x->n_shards, trees);

    *full = 0;
    for (int t = 0; t < n; t++)
        *full += pt_node_size(&span, trees[t].level, trees[t].index) > 0;
    return n;
}

pt_status loopback_exchange_begin(void *context, int node, bool backward,
                                  const double *parts, size_t len, pt_tree_add add)
{
    loopback_worker *end = context;
    pt_subtree trees[PT_MAX_COVER];
    size_t bytes;
    int full;

    cover_of(end->shared, end->worker, trees, &full);
    bytes = (size_t)full * len * sizeof *parts;
    end->parts = realloc(end->parts, bytes + 1);
    end->all = realloc(end->all, (size_t)end->shared->n_shards * len * sizeof *parts);
    PT_CHECK(end->parts && end->all, "no memory for %zu bytes", bytes);
    memcpy(end->parts, parts, bytes);
    end->len = len;
    end->add = add;
    end->node = backward ? -node : node;
    return PT_OK;
}

/* The value of all shards, in end->all. */
static double *merge(const loopback_exchange *x, loopback_worker *end)
{
    pt_subtree trees[LOOPBACK_MAX_SHARDS + PT_MAX_COVER];
    void *values[LOOPBACK_MAX_SHARDS];
    double *at = end->all;
    int count = 0;

    for (int w = 0; w < x->n_workers; w++) {
        pt_span span = span_of(x, w);
        int full, n = cover_of(x, w, trees + count, &full);

        memcpy(at, x->ends[w].parts, (size_t)full * end->len * sizeof *at);
        for (int t = 0; t < n; t++, count++) {
            bool there = pt_node_size(&span, trees[count].level, trees[count].index) > 0;

            values[count] = there ? at : NULL;
            at += there ? end->len : 0;
        }
    }
    return pt_tree_finish(x->n_shards, trees, values, count, end->add, &end->len);
}

pt_status loopback_exchange_end(void *context, const double **total)
{
    loopback_worker *end = context;
    loopback_exchange *x = end->shared;

    pthread_barrier_wait(&x->barrier);
    for (int w = 0; w < x->n_workers; w++)
        PT_CHECK(x->ends[w].node == x->ends[0].node && x->ends[w].len == end->len,
                 "workers 0 and %d exchange nodes %d and %d", w, x->ends[0].node,
                 x->ends[w].node);
    *total = merge(x, end);
    if (end->worker == 0) x->calls += (size_t)x->n_workers;
    pthread_barrier_wait(&x->barrier); /* the parts may change from here on */
    return PT_OK;
}
