/* The options of a network, and the hooks that it calls. Included by net.h. */
#ifndef PT_WORKER_ENGINE_NET_NET_OPTIONS_H
#define PT_WORKER_ENGINE_NET_NET_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/graph/graph.h"
#include "common/run/shards.h"
#include "worker/engine/gemm/kernel.h"
#include "worker/engine/threads.h"

typedef struct pt_net pt_net;

typedef enum { PT_BN_SYNC, PT_BN_SHARD, PT_BN_FROZEN } pt_bn_mode;

/* Which part of a node has just been computed; batch norm's gradients belong to DATA. */
typedef enum { PT_PART_FORWARD, PT_PART_DATA, PT_PART_WEIGHTS } pt_net_part;

/* All hooks may be NULL (one worker, nothing to wait for). A hook that fails ends the
 * pass; its status is returned. */
typedef struct {
    void *context;

    /* Forward is about to read the tensors of `node`. */
    pt_status (*before_node)(void *context, int node);

    /* Sync batch norm, forward or backward. parts: for each of this span's cover
     * sub-trees (pt_tree_cover of lo..hi) that has images, its value, [len] doubles each,
     * one after another, in order; the net's again on return. add merges two values, with
     * &len as its context. total: out, the value of the tree over all shards of all
     * workers, merged in its order; borrowed until the next begin. Each begin is followed
     * by its end. Both NULL: the span must be the whole batch. */
    pt_status (*exchange_begin)(void *context, int node, bool backward,
                                const double *parts, size_t len, pt_tree_add add);
    pt_status (*exchange_end)(void *context, const double **total);

    /* The gradient of a parameter tensor is complete: for each cover sub-tree t of the
     * span, pt_net_gradient(net, tensor, t) holds its sum (not touched where the sub-tree
     * has no images). Called in the order in which layers finish, last layer first. */
    pt_status (*gradient_ready)(void *context, int tensor);

    /* Called between work items, so that messages make progress. */
    void (*poll)(void *context);

    /* A part of a node is done, for measurements; also if there was nothing to do. */
    void (*lap)(void *context, int node, pt_net_part part);
} pt_net_hooks;

typedef struct {
    const pt_graph *graph; /* borrowed */
    pt_threads *pool;      /* borrowed */
    const float *weights;  /* borrowed: flat, memory layout; may change between passes */
    int max_images;        /* of the spans that will be given */
    int n_shards;          /* V: for scratch */
    int lo, hi;            /* shards that this worker owns in training */
    bool training;         /* false: no gradients, no buffers for them */
    bool input_gradient;   /* in training: also for pt_net_input_gradient */
    const int *maps;       /* [n_maps] nodes whose outputs stay readable, and to whose */
    int n_maps;            /* gradients the caller may add; borrowed */
    bool repeats;          /* for pt_net_evaluate_without */
    float *gradients; /* in training: memory for them, of pt_net_plan's size, borrowed
                         and aligned to cache lines; NULL: the net's own */
    pt_bn_mode bn_mode;
    double bn_moving; /* probability with which a channel is normalized by its
                         running statistics in training; 0: batch norm as it is */
    pt_kernel kernel;
    uint64_t seed; /* dropout */
} pt_net_options;

/* Bytes of a network: activations, gradients of parameters (one set per cover sub-tree),
 * scratch. */
typedef struct {
    size_t activations, gradients, scratch;
} pt_net_memory;

/* Bytes of the gradients alone, of a net that trains on span's shards. */
size_t pt_net_gradient_bytes(const pt_graph *g, const pt_span *span);

#endif
