/* What the parts of a network share: net.c (creation), forward.c, backward.c, net_norm.c
 * (batch norm across shards). Internal to the engine. */
#ifndef PT_WORKER_ENGINE_NET_NET_INTERNAL_H
#define PT_WORKER_ENGINE_NET_NET_INTERNAL_H

#include "worker/engine/layers/adaptive_pool.h"
#include "worker/engine/layers/avg_pool.h"
#include "worker/engine/net/net_plan.h"

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
    const bool **rows;        /* [n_params]: pt_net_want_rows */
    bool side;                /* evaluation goes through the side branch too */
    bool has_source_gradient; /* in this backward pass */
    bool rep_cuts;            /* all paths to the logits cross rep */

    void *arena; /* all that a pass needs, in this order: */
    size_t arena_bytes;
    void *activations;
    float *gradients; /* [n_cover][plan.gradient_floats]; or the caller's memory */
    void *scratch;
    float *kernel_scratch;
    float *channel;      /* option repeats: [max_images][h][w] of the largest map */
    double *leaves;      /* [hi - lo][1 + 2 max_channels] */
    double *parts;       /* [n_cover][1 + 2 max_channels] */
    float *float_leaves; /* [hi - lo][2 max_channels] */
    float *means;        /* [hi - lo][2 max_channels] */

    /* The current pass. */
    pt_pass pass;
    pt_span span;
    int n_images;
    int top;    /* the last node that it computes */
    int intact; /* evaluation: nodes up to this one have the outputs of all channels */
    uint64_t step;
    const float *input;
    int owed; /* backward: node whose weight gradients are still to come; -1: none is */
    int n_groups;
    int *group_begin; /* shards with images, or blocks in evaluation */
    int *group_shard; /* training: shard of a group */
    int *group_of;    /* [max_images] group of an image */
};

static inline bool pt_net_training_pass(const pt_net *n)
{
    return n->pass != PT_PASS_EVALUATED;
}

static inline pt_values pt_net_y(const pt_net *n, int node)
{
    const pt_net_node *o = &n->plan.nodes[node];

    return o->y_root == 0 ? pt_floats(n->input) : o->y;
}

/* The same of a node whose values are floats, by the plan. */
static inline const float *pt_net_float_y(const pt_net *n, int node)
{
    return pt_net_y(n, node).at;
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

/* The mask that node `i` applies to the gradient of its input `slot`, or none. */
static inline pt_values pt_net_mask(const pt_net *n, int i, int slot)
{
    int in = n->opt.graph->nodes[i].in[slot];
    const pt_net_node *o = &n->plan.nodes[in];

    return o->masked_above && o->last_writer == i ? o->y : (pt_values){0};
}

static inline pt_adaptive_pool pt_net_adaptive_pool(const pt_net *n, int i)
{
    const pt_node *to = &n->opt.graph->nodes[i], *in = &n->opt.graph->nodes[to->in[0]];

    return (pt_adaptive_pool){in->h, in->w, in->c, to->h, to->w};
}

static inline pt_avg_pool pt_net_avg_pool(const pt_net *n, int i)
{
    const pt_node *to = &n->opt.graph->nodes[i], *in = &n->opt.graph->nodes[to->in[0]];
    const pt_window *w = &to->window;

    return (pt_avg_pool){in->h,       in->w,       in->c,         to->h,
                         to->w,       w->kh,       w->kw,         w->stride,
                         w->pad_top,  w->pad_left, w->pad_bottom, w->pad_right,
                         w->count_pad};
}

/* The hook `poll`: between work items from begin to end, and once, now. */
void pt_net_begin_polling(pt_net *n);
void pt_net_end_polling(pt_net *n);
void pt_net_poll(pt_net *n);

static inline void pt_net_lap(const pt_net *n, int node, pt_net_part part)
{
    if (n->hooks.lap) n->hooks.lap(n->hooks.context, node, part);
}

/* Batch norm, forward (in training and evaluation) and backward. The backward pass begins
 * with the sums: those of gamma and beta go to the gradients where they are trained, and
 * (want_dx) those that the other workers need leave. It ends with the gradient of the
 * input (want_dx). */
PT_MUST_USE pt_status pt_net_norm_forward(pt_net *n, int node);
PT_MUST_USE pt_status pt_net_norm_backward_begin(pt_net *n, int node, bool want_dx);
PT_MUST_USE pt_status pt_net_norm_backward_end(pt_net *n, int node, bool want_dx);

#endif
