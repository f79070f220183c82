/* What the parts of a network share: net.c (life), net_plan.c (which buffer is where),
 * forward.c, backward.c, net_norm.c (batch norm across shards). Internal to the engine.
 */
#ifndef PT_WORKER_ENGINE_NET_NET_INTERNAL_H
#define PT_WORKER_ENGINE_NET_NET_INTERNAL_H

#include "worker/engine/conv/conv.h"
#include "worker/engine/net/net.h"
#include "worker/engine/layers/pointwise.h"

/* Where one node's values are, and who writes them. */
typedef struct {
    /* Fixed by the plan. Offsets are floats into the activation block. */
    int y_root;        /* node whose buffer holds this one's output; the input: 0 */
    int dy_root;       /* the same for its gradient; -1: it never has one */
    int first_writer;  /* consumer that writes the gradient first; -1: none */
    int first_main;    /* ... of those that lead to the logits */
    int last_writer;   /* ... and last */
    bool readable;     /* the output is still there after the pass */
    bool leads;        /* to the logits */
    bool map;          /* one of the options' maps */
    const float *plus; /* added to its gradient in this backward pass; NULL: nothing */
    bool side;         /* to the source logits, and not to the logits */
    int dropout_id;    /* of the node's random streams; the same with and without a side
                          branch */
    bool fused;        /* RELU, RELU6: done by the producer in the forward pass */
    bool masked_below; /* ... and in the backward pass too (batch norm) */
    bool masked_above; /* RELU: its last writer masks the gradient (pt_net_mask) */
    int sum;           /* BATCH_NORM: the ADD that it does on its way; -1: none */
    int summed_by;     /* ADD: the batch norm that does it; -1: none */
    pt_act act;        /* of the fused consumer, applied to this node's output */
    size_t size;       /* floats of one image's output */
    size_t y_at, dy_at, argmax_at, coef_at, moments_at;

    float *y, *dy;   /* y of the input node: NULL, see pt_net.input */
    uint8_t *argmax; /* MAX_POOL, training */
    float *coef;     /* BATCH_NORM: coefficients of the last pass, [sets][4 c] */
    double *moments; /* BATCH_NORM, training: [sub-trees with images][1 + 2 c] */

    /* Change between passes. */
    bool needs_grad;  /* something at or below the node is trained */
    bool batch_stats; /* BATCH_NORM: of the last training forward */
} pt_net_node;

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

typedef enum {
    PT_PASS_NONE, /* or one that failed */
    PT_PASS_EVALUATED,
    PT_PASS_FORWARD,
    PT_PASS_HEAD,
    PT_PASS_DONE
} pt_pass;

struct pt_net {
    pt_net_options opt;
    pt_net_hooks hooks;
    pt_net_plan_result plan;
    bool *trained;            /* [n_params] */
    bool side;                /* evaluation goes through the side branch too */
    bool has_source_gradient; /* in this backward pass */
    bool rep_cuts;            /* all paths to the logits cross rep */

    void *arena; /* all that a pass needs, in this order: */
    size_t arena_bytes;
    void *activations;
    float *gradients; /* [n_cover][plan.gradient_floats] */
    void *scratch;
    float *kernel_scratch;
    float *channel;            /* option repeats: [max_images][h][w] of the largest map */
    double *leaves;            /* [hi - lo][1 + 2 max_channels] */
    double *parts;             /* [n_cover][1 + 2 max_channels] */
    double *all;               /* [V][1 + 2 max_channels] */
    float *float_leaves;       /* [hi - lo][2 max_channels] */
    float *means;              /* [hi - lo][2 max_channels] */
    pt_subtree *trees, *tiles; /* [V] */
    void **values;             /* [V] */

    /* The current pass. */
    pt_pass pass;
    pt_span span;
    int n_images;
    int top;    /* the last node that it computes */
    int intact; /* evaluation: nodes up to this one have the outputs of all channels */
    uint64_t step;
    const float *input;
    int n_groups;
    int *group_begin; /* shards with images, or blocks in evaluation */
    int *group_shard; /* training: shard of a group */
    int *group_of;    /* [max_images] group of an image */
};

static inline bool pt_net_training_pass(const pt_net *n)
{
    return n->pass != PT_PASS_EVALUATED;
}

static inline const float *pt_net_y(const pt_net *n, int node)
{
    return n->plan.nodes[node].y_root == 0 ? n->input : n->plan.nodes[node].y;
}

/* Tensor's values, NULL for -1. */
static inline const float *pt_net_tensor(const pt_net *n, int tensor)
{
    return tensor < 0 ? NULL : n->opt.weights + n->opt.graph->tensors[tensor].offset;
}

static inline bool pt_net_is_trained(const pt_net *n, int tensor)
{
    return tensor >= 0 && n->trained[tensor];
}

/* Is the contribution of `node` the first to the gradient of its input `slot`? */
static inline bool pt_net_writes_first(const pt_net *n, int node, int slot)
{
    const int *in = n->opt.graph->nodes[node].in;

    return n->plan.nodes[in[slot]].first_writer == node && (slot == 0 || in[0] != in[1]);
}

pt_conv_shape pt_net_conv_shape(const pt_net_options *o, int node);

/* The mask that node `i` applies to the gradient of its input `slot`; NULL: none. */
static inline const float *pt_net_mask(const pt_net *n, int i, int slot)
{
    int in = n->opt.graph->nodes[i].in[slot];
    const pt_net_node *o = &n->plan.nodes[in];

    return o->masked_above && o->last_writer == i ? o->y : NULL;
}

/* Poll of the hooks: between the pool's items from begin to end, and now. */
void pt_net_begin_polling(pt_net *n);
void pt_net_end_polling(pt_net *n);
void pt_net_poll(pt_net *n);

static inline void pt_net_lap(const pt_net *n, int node, pt_net_part part)
{
    if (n->hooks.lap) n->hooks.lap(n->hooks.context, node, part);
}

/* Batch norm, forward (in training and evaluation) and backward. want_dx: also to the
 * input; sums of gamma and beta go to the gradients where they are trained. */
PT_MUST_USE pt_status pt_net_norm_forward(pt_net *n, int node);
PT_MUST_USE pt_status pt_net_norm_backward(pt_net *n, int node, bool want_dx);

#endif
