#include <string.h>

#include "worker/engine/conv/conv.h"
#include "worker/engine/conv/depthwise.h"
#include "worker/engine/layers/linear.h"
#include "worker/engine/layers/pool2d.h"
#include "worker/engine/net/net.h"
#include "worker/engine/net/net_internal.h"

/* ---- to the inputs ---------------------------------------------------------------- */

static void conv_data(pt_net *n, int i, bool accumulate, pt_values dx)
{
    pt_values mask = pt_net_mask(n, i, 0), dy = n->plan.nodes[i].dy;
    const pt_node *node = &n->opt.graph->nodes[i];
    pt_conv_shape s = pt_net_conv_shape(&n->opt, i);
    const float *w = pt_net_tensor(n, node->weight);

    if (node->op == PT_OP_CONV)
        pt_conv_backward_data(n->opt.pool, &s, n->n_images, dy, w, accumulate, mask, dx,
                              n->kernel_scratch);
    else
        pt_depthwise_backward_data(n->opt.pool, &s, n->n_images, dy, w, accumulate, dx,
                                   n->kernel_scratch);
}

static void relu_data(pt_net *n, int i, bool accumulate, pt_values dx)
{
    const pt_net_node *o = &n->plan.nodes[i];
    pt_act act = n->opt.graph->nodes[i].op == PT_OP_RELU6 ? PT_ACT_RELU6 : PT_ACT_RELU;
    size_t floats = (size_t)n->n_images * o->size;

    if (!o->masked_below && !o->masked_above)
        pt_relu_backward(n->opt.pool, act, floats, o->y, o->dy, accumulate, dx);
    else if (dx.at != o->dy.at)
        pt_pass_gradient(n->opt.pool, floats, o->dy, accumulate, dx);
}

static void dropout_data(pt_net *n, int i, bool accumulate, pt_values dx)
{
    const pt_net_node *o = &n->plan.nodes[i];
    pt_dropout d = {.prob = n->opt.graph->nodes[i].dropout,
                    .seed = n->opt.seed,
                    .step = n->step,
                    .node = o->dropout_id,
                    .first = pt_span_first(&n->span),
                    .size = o->size};

    if (d.prob > 0)
        pt_dropout_apply(n->opt.pool, &d, n->n_images, o->dy.at, accumulate, dx.at);
    else if (dx.at != o->dy.at)
        pt_pass_gradient(n->opt.pool, (size_t)n->n_images * o->size, o->dy, accumulate,
                         dx);
}

static void max_pool_data(pt_net *n, int i, bool accumulate, pt_values dx)
{
    const pt_net_node *o = &n->plan.nodes[i];
    pt_conv_shape c = pt_net_conv_shape(&n->opt, i);
    pt_max_pool s = {c.h,  c.w,  c.c_in,   c.out_h,   c.out_w,
                     c.kh, c.kw, c.stride, c.pad_top, c.pad_left};

    pt_max_pool_backward(n->opt.pool, &s, n->n_images, o->dy, o->argmax, accumulate,
                         pt_net_mask(n, i, 0), dx);
}

/* Of a mean over a window, over one of a grid, or over the whole map. */
static void average_data(pt_net *n, int i, bool accumulate, pt_values dx)
{
    const pt_node *node = &n->opt.graph->nodes[i];
    const pt_node *in = &n->opt.graph->nodes[node->in[0]];
    pt_values dy = n->plan.nodes[i].dy;
    pt_adaptive_pool grid = pt_net_adaptive_pool(n, i);
    pt_avg_pool windows = pt_net_avg_pool(n, i);

    if (node->op == PT_OP_AVG_POOL)
        pt_avg_pool_backward(n->opt.pool, &windows, n->n_images, dy, accumulate, dx);
    else if (node->op == PT_OP_ADAPTIVE_AVG_POOL)
        pt_adaptive_pool_backward(n->opt.pool, &grid, n->n_images, dy, accumulate, dx);
    else
        pt_global_avg_backward(n->opt.pool, n->n_images, (size_t)in->h * (size_t)in->w,
                               node->c, dy, accumulate, dx);
}

static void shortcut_data(pt_net *n, int i, bool accumulate, pt_values dx)
{
    const pt_node *node = &n->opt.graph->nodes[i];
    const pt_node *in = &n->opt.graph->nodes[node->in[0]];
    pt_shortcut s = {in->h, in->w, in->c, node->h, node->w, node->c, node->window.stride};

    pt_shortcut_backward(n->opt.pool, &s, n->n_images, n->plan.nodes[i].dy.at, accumulate,
                         dx.at);
}

/* The gradient of node i to its input `slot`; batch norm and concatenation are handled by
 * the caller. */
static void data_to(pt_net *n, int i, int slot)
{
    const pt_graph *g = n->opt.graph;
    const pt_node *node = &g->nodes[i];
    const pt_net_node *o = &n->plan.nodes[i];
    bool accumulate = !pt_net_writes_first(n, i, slot);
    pt_values dx = n->plan.nodes[node->in[slot]].dy;

    switch (node->op) {
    case PT_OP_CONV:
    case PT_OP_DEPTHWISE:
        conv_data(n, i, accumulate, dx);
        break;
    case PT_OP_LINEAR:
        pt_linear_backward_data(n->opt.pool, (int)n->plan.nodes[node->in[0]].size,
                                node->c, n->n_images, pt_kernel_bf16(n->opt.kernel),
                                o->dy.at, pt_net_tensor(n, node->weight), accumulate,
                                dx.at, n->kernel_scratch);
        break;
    case PT_OP_RELU:
    case PT_OP_RELU6:
        relu_data(n, i, accumulate, dx);
        break;
    case PT_OP_MAX_POOL:
        max_pool_data(n, i, accumulate, dx);
        break;
    case PT_OP_GLOBAL_AVG_POOL:
    case PT_OP_ADAPTIVE_AVG_POOL:
    case PT_OP_AVG_POOL:
        average_data(n, i, accumulate, dx);
        break;
    case PT_OP_DROPOUT:
        dropout_data(n, i, accumulate, dx);
        break;
    case PT_OP_ADD:
        if (dx.at != o->dy.at)
            pt_pass_gradient(n->opt.pool, (size_t)n->n_images * o->size, o->dy,
                             accumulate, dx);
        break;
    case PT_OP_SHORTCUT_A:
        shortcut_data(n, i, accumulate, dx);
        break;
    case PT_OP_BATCH_NORM:
    case PT_OP_CONCAT:
    case PT_OP_INPUT:
        break;
    }
}

/* Does node i pass a gradient to its input `slot`? all: also where nothing below is
 * trained, but not to the input of the network. */
static bool passes_to(const pt_net *n, int i, int slot, bool all)
{
    int k = n->opt.graph->nodes[i].in[slot];
    const pt_net_node *in = k < 0 ? NULL : &n->plan.nodes[k];

    return in && in->dy.at && (all || in->needs_grad);
}

/* To both inputs in one pass over the gradient. */
static void concat_data(pt_net *n, int i, bool all)
{
    const pt_graph *g = n->opt.graph;
    const pt_node *node = &g->nodes[i];
    pt_concat_input in[2];

    for (int k = 0; k < 2; k++) {
        in[k] = (pt_concat_input){.c = g->nodes[node->in[k]].c,
                                  .accumulate = !pt_net_writes_first(n, i, k),
                                  .mask = pt_net_mask(n, i, k)};
        if (passes_to(n, i, k, all)) in[k].dx = n->plan.nodes[node->in[k]].dy;
    }
    pt_concat_backward(n->opt.pool,
                       (size_t)n->n_images * (size_t)node->h * (size_t)node->w, in,
                       n->plan.nodes[i].dy);
}

/* The first half of node i's data pass: batch norm sends its sums. */
static pt_status begin_data(pt_net *n, int i, bool all)
{
    if (n->opt.graph->nodes[i].op != PT_OP_BATCH_NORM) return PT_OK;
    return pt_net_norm_backward_begin(n, i, passes_to(n, i, 0, all));
}

/* The gradients of node i to those of its inputs that need one. */
static pt_status end_data(pt_net *n, int i, bool all)
{
    if (n->opt.graph->nodes[i].op == PT_OP_BATCH_NORM)
        return pt_net_norm_backward_end(n, i, passes_to(n, i, 0, all));
    if (n->opt.graph->nodes[i].op == PT_OP_CONCAT) {
        concat_data(n, i, all);
        return PT_OK;
    }
    for (int k = 0; k < 2; k++)
        if (passes_to(n, i, k, all)) data_to(n, i, k);
    return PT_OK;
}

static pt_status data_pass(pt_net *n, int i, bool all)
{
    pt_status s = begin_data(n, i, all);

    return s == PT_OK ? end_data(n, i, all) : s;
}

/* ---- to the parameters ------------------------------------------------------------ */

static bool trains(const pt_net *n, int i)
{
    const pt_node *node = &n->opt.graph->nodes[i];

    return pt_net_is_trained(n, node->weight) || pt_net_is_trained(n, node->bias);
}

/* Convolutions and linear layers, of these rows or (NULL) all; batch norm's sums come
 * with its data pass. */
static void weight_pass(pt_net *n, int i, const bool *rows)
{
    const pt_node *node = &n->opt.graph->nodes[i];
    pt_values x, dy = n->plan.nodes[i].dy;
    float *dw[PT_MAX_COVER], *db[PT_MAX_COVER], *const *bias = node->bias < 0 ? NULL : db;
    pt_conv_shape s;

    if (node->op == PT_OP_BATCH_NORM || !trains(n, i)) return;
    for (int t = 0; t < n->plan.n_cover; t++) {
        dw[t] = pt_net_gradient(n, node->weight, t);
        if (bias) db[t] = pt_net_gradient(n, node->bias, t);
    }
    x = pt_net_y(n, node->in[0]);
    if (node->op == PT_OP_LINEAR) {
        pt_linear_backward_weights(n->opt.pool, (int)n->plan.nodes[node->in[0]].size,
                                   node->c, &n->span, x.at, dy.at, rows, dw, bias,
                                   n->kernel_scratch);
        return;
    }
    s = pt_net_conv_shape(&n->opt, i);
    if (node->op == PT_OP_CONV)
        pt_conv_backward_weights(n->opt.pool, &s, &n->span, x, dy, dw, bias,
                                 n->kernel_scratch);
    else
        pt_depthwise_backward_weights(n->opt.pool, &s, &n->span, x, dy, dw, bias,
                                      n->kernel_scratch);
}

/* Announces that the node's gradients are complete. Its weights are not read again in
 * this step: new ones may arrive. */
static pt_status announce(pt_net *n, int i)
{
    const pt_node *node = &n->opt.graph->nodes[i];
    pt_status s = PT_OK;

    if (!n->hooks.gradient_ready) return PT_OK;
    if (pt_net_is_trained(n, node->weight))
        s = n->hooks.gradient_ready(n->hooks.context, node->weight);
    if (s == PT_OK && pt_net_is_trained(n, node->bias))
        s = n->hooks.gradient_ready(n->hooks.context, node->bias);
    return s;
}

/* ---- the passes ------------------------------------------------------------------- */

static pt_status head_data(pt_net *n)
{
    const pt_graph *g = n->opt.graph;
    pt_status s = PT_OK;

    for (int i = g->logits; i > g->rep && s == PT_OK; i--) {
        if (n->plan.nodes[i].leads) s = data_pass(n, i, true);
        pt_net_lap(n, i, PT_PART_DATA);
        pt_net_poll(n);
    }
    return s;
}

pt_status pt_net_backward_head(pt_net *n, const float *dlogits, const float **drep)
{
    const pt_graph *g = n->opt.graph;
    const pt_net_node *logits = &n->plan.nodes[g->logits];

    if (n->pass != PT_PASS_FORWARD && n->pass != PT_PASS_HEAD)
        return pt_fail(PT_ERR_BUG, "backward of %s without a training forward pass",
                       g->network);
    if (!n->rep_cuts)
        return pt_fail(PT_ERR_SHAPE, "%s: some path to the logits avoids node %s",
                       g->network, g->nodes[g->rep].name);
    memcpy(logits->dy.at, dlogits, (size_t)n->n_images * logits->size * sizeof *dlogits);
    pt_net_begin_polling(n);
    pt_status s = head_data(n);
    pt_net_end_polling(n);
    n->pass = s == PT_OK ? PT_PASS_HEAD : PT_PASS_NONE;
    *drep = s == PT_OK ? n->plan.nodes[g->rep].dy.at : NULL;
    return s;
}

/* What the caller adds to the gradient of a map. */
static void add_map(pt_net *n, int i)
{
    pt_net_node *o = &n->plan.nodes[i];

    if (o->plus)
        pt_pass_gradient(n->opt.pool, (size_t)n->n_images * o->size, pt_floats(o->plus),
                         true, o->dy);
    o->plus = NULL;
}

static void weights_of(pt_net *n, int i)
{
    int w = n->opt.graph->nodes[i].weight;

    weight_pass(n, i, w < 0 ? NULL : n->rows[w]);
    pt_net_lap(n, i, PT_PART_WEIGHTS);
}

/* The weight gradients that are due at the turn of node i: after its sums have left. */
static pt_status pay_weights(pt_net *n, int i)
{
    int owed = n->owed;

    if (owed < 0 || n->plan.nodes[owed].weights_at != i) return PT_OK;
    n->owed = -1;
    weights_of(n, owed);
    return announce(n, owed);
}

/* The turn of node i. A layer's weight gradients are computed before its data pass, or
 * while the sums of the batch norm below it are under way. */
static pt_status turn(pt_net *n, int i)
{
    const pt_net_node *o = &n->plan.nodes[i];
    bool data = o->needs_grad && (i <= n->opt.graph->rep || o->side);
    pt_status s = PT_OK;

    if (o->needs_grad) add_map(n, i);
    if (data) s = begin_data(n, i, false);
    pt_net_lap(n, i, PT_PART_DATA);
    if (s == PT_OK) s = pay_weights(n, i);
    if (s != PT_OK || !o->needs_grad) return s;
    if (o->weights_at == i)
        weights_of(n, i);
    else
        n->owed = i;
    if (data) s = end_data(n, i, false);
    pt_net_lap(n, i, PT_PART_DATA);
    return s == PT_OK && n->owed != i ? announce(n, i) : s;
}

static pt_status all_nodes(pt_net *n)
{
    pt_status s = PT_OK;

    n->owed = -1;
    for (int i = n->opt.graph->logits; i > 0 && s == PT_OK; i--) {
        s = turn(n, i);
        pt_net_poll(n);
    }
    return s;
}

pt_status pt_net_set_source_gradient(pt_net *n, const float *dsource)
{
    const pt_graph *g = n->opt.graph;
    const pt_net_node *source = &n->plan.nodes[g->source_logits];

    if (n->pass != PT_PASS_FORWARD && n->pass != PT_PASS_HEAD)
        return pt_fail(PT_ERR_BUG, "source gradient of %s without a forward pass",
                       g->network);
    memcpy(source->dy.at, dsource, (size_t)n->n_images * source->size * sizeof *dsource);
    n->has_source_gradient = true;
    return PT_OK;
}

pt_status pt_net_backward(pt_net *n, const float *drep)
{
    const pt_graph *g = n->opt.graph;
    const pt_net_node *rep = &n->plan.nodes[g->rep];

    if (n->pass != PT_PASS_HEAD)
        return pt_fail(PT_ERR_BUG, "backward of %s before that of its head", g->network);
    if (g->source_logits >= 0 && !n->has_source_gradient)
        return pt_fail(PT_ERR_BUG, "backward of %s without its source gradient",
                       g->network);
    n->has_source_gradient = false;
    if (drep != rep->dy.at)
        memcpy(rep->dy.at, drep, (size_t)n->n_images * rep->size * sizeof *drep);
    pt_net_begin_polling(n);
    pt_status s = all_nodes(n);
    pt_net_end_polling(n);
    n->pass = s == PT_OK ? PT_PASS_DONE : PT_PASS_NONE;
    return s;
}

pt_status pt_net_backward_probe(pt_net *n, const float *drep, int tensor)
{
    const pt_graph *g = n->opt.graph;
    const pt_net_node *rep = &n->plan.nodes[g->rep];
    int last = g->tensors[tensor].node;
    pt_status s = PT_OK;

    if (n->pass != PT_PASS_FORWARD && n->pass != PT_PASS_HEAD)
        return pt_fail(PT_ERR_BUG, "diagnostic pass of %s without a forward pass",
                       g->network);
    memcpy(rep->dy.at, drep, (size_t)n->n_images * rep->size * sizeof *drep);
    for (int i = g->rep; i > last && s == PT_OK; i--)
        if (n->plan.nodes[i].needs_grad && !n->plan.nodes[i].side)
            s = data_pass(n, i, false);
    if (s == PT_OK) weight_pass(n, last, NULL);
    n->pass = s == PT_OK ? PT_PASS_FORWARD : PT_PASS_NONE;
    return s;
}
