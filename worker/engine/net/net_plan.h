/* The plan of a network: which buffer is where, what is fused. Internal to the engine. */
#ifndef PT_WORKER_ENGINE_NET_NET_PLAN_H
#define PT_WORKER_ENGINE_NET_NET_PLAN_H

#include "worker/engine/conv/conv_shape.h"
#include "worker/engine/net/net_node.h"

typedef struct {
    pt_net_node *nodes; /* [graph->n_nodes] */
    int n_cover;
    pt_subtree cover[PT_MAX_COVER];
    int max_channels;       /* of batch norm; 0: none */
    size_t gradient_floats; /* of one sub-tree's parameters, rounded up */
    size_t kernel_floats;   /* scratch of the kernels, all threads */
    size_t channel_floats;  /* option repeats: a channel of the largest map */
    size_t norm_doubles;    /* scratch of batch norm: one set of leaves */
    pt_net_memory bytes;
} pt_net_plan_result;

/* Decides in-place layers, lifetimes and offsets; allocates only the tables. */
PT_MUST_USE pt_status pt_net_plan_create(const pt_net_options *opt,
                                         pt_net_plan_result *out);
void pt_net_plan_fini(pt_net_plan_result *p);

/* The shape of a node with a window: convolutions and pools. */
pt_conv_shape pt_net_conv_shape(const pt_net_options *o, int node);

#endif
