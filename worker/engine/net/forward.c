#include "worker/engine/conv/conv.h"
#include "worker/engine/conv/depthwise.h"
#include "worker/engine/layers/linear.h"
#include "worker/engine/layers/pool2d.h"
#include "worker/engine/net/net.h"
#include "worker/engine/net/net_internal.h"

static void run_conv(pt_net *n, int i)
{
    const pt_node *node = &n->opt.graph->nodes[i];
    pt_conv_shape s = pt_net_conv_shape(&n->opt, i);
    const float *w = pt_net_tensor(n, node->weight), *bias = pt_net_tensor(n, node->bias);
    pt_values x = pt_net_y(n, node->in[0]), y = n->plan.nodes[i].y;

    if (node->op == PT_OP_CONV)
        pt_conv_forward(n->opt.pool, &s, n->n_images, x, w, bias,
                        n->plan.nodes[i].act == PT_ACT_RELU, y, n->kernel_scratch);
    else
        pt_depthwise_forward(n->opt.pool, &s, n->n_images, x, w, bias, y,
                             n->kernel_scratch);
}

static void run_linear(pt_net *n, int i)
{
    const pt_node *node = &n->opt.graph->nodes[i];
    int n_in = (int)n->plan.nodes[node->in[0]].size;

    pt_linear_forward(n->opt.pool, n_in, node->c, n->n_images,
                      pt_kernel_bf16(n->opt.kernel), pt_net_float_y(n, node->in[0]),
                      pt_net_tensor(n, node->weight), pt_net_tensor(n, node->bias),
                      n->plan.nodes[i].y.at, n->kernel_scratch);
}

static void run_max_pool(pt_net *n, int i)
{
    const pt_node *node = &n->opt.graph->nodes[i];
    pt_conv_shape c = pt_net_conv_shape(&n->opt, i);
    pt_max_pool s = {c.h,  c.w,  c.c_in,   c.out_h,   c.out_w,
                     c.kh, c.kw, c.stride, c.pad_top, c.pad_left};
    uint8_t *argmax = pt_net_training_pass(n) ? n->plan.nodes[i].argmax : NULL;

    pt_max_pool_forward(n->opt.pool, &s, n->n_images, pt_net_y(n, node->in[0]),
                        n->plan.nodes[i].y, argmax);
}

static void run_dropout(pt_net *n, int i)
{
    const pt_node *node = &n->opt.graph->nodes[i];
    const float *x = pt_net_float_y(n, node->in[0]);
    float *y = n->plan.nodes[i].y.at;
    size_t size = n->plan.nodes[i].size;

    if (pt_net_training_pass(n) && node->dropout > 0) {
        pt_dropout d = {.prob = node->dropout,
                        .seed = n->opt.seed,
                        .step = n->step,
                        .node = n->plan.nodes[i].dropout_id,
                        .first = pt_span_first(&n->span),
                        .size = size};
        pt_dropout_apply(n->opt.pool, &d, n->n_images, x, false, y);
    } else if (x != y) {
        pt_pass_gradient(n->opt.pool, (size_t)n->n_images * size, pt_floats(x), false,
                         pt_floats(y));
    }
}

/* A mean over a window, over one of a grid, or over the whole map. */
static void run_average(pt_net *n, int i)
{
    const pt_node *node = &n->opt.graph->nodes[i];
    const pt_node *in = &n->opt.graph->nodes[node->in[0]];
    pt_values x = pt_net_y(n, node->in[0]), y = n->plan.nodes[i].y;
    pt_adaptive_pool grid = pt_net_adaptive_pool(n, i);
    pt_avg_pool windows = pt_net_avg_pool(n, i);

    if (node->op == PT_OP_AVG_POOL)
        pt_avg_pool_forward(n->opt.pool, &windows, n->n_images, x, y);
    else if (node->op == PT_OP_ADAPTIVE_AVG_POOL)
        pt_adaptive_pool_forward(n->opt.pool, &grid, n->n_images, x, y);
    else
        pt_global_avg_forward(n->opt.pool, n->n_images, (size_t)in->h * (size_t)in->w,
                              node->c, x, y);
}

static void run_shortcut(pt_net *n, int i)
{
    const pt_node *node = &n->opt.graph->nodes[i];
    const pt_node *in = &n->opt.graph->nodes[node->in[0]];
    pt_shortcut s = {in->h, in->w, in->c, node->h, node->w, node->c, node->window.stride};

    pt_shortcut_forward(n->opt.pool, &s, n->n_images, pt_net_float_y(n, node->in[0]),
                        n->plan.nodes[i].y.at);
}

static void run_concat(pt_net *n, int i)
{
    const pt_node *node = &n->opt.graph->nodes[i];
    const int *in = node->in;
    size_t pixels = (size_t)n->n_images * (size_t)node->h * (size_t)node->w;

    pt_concat_forward(n->opt.pool, pixels, n->opt.graph->nodes[in[0]].c,
                      pt_net_y(n, in[0]), n->opt.graph->nodes[in[1]].c,
                      pt_net_y(n, in[1]), n->plan.nodes[i].y);
}

static pt_status run_node(pt_net *n, int i)
{
    const pt_graph *g = n->opt.graph;
    const pt_node *node = &g->nodes[i];
    pt_net_node *o = &n->plan.nodes[i];
    size_t floats = (size_t)n->n_images * o->size;
    pt_act act = node->op == PT_OP_RELU6 ? PT_ACT_RELU6 : PT_ACT_RELU;

    switch (node->op) {
    case PT_OP_CONV:
    case PT_OP_DEPTHWISE:
        run_conv(n, i);
        break;
    case PT_OP_BATCH_NORM:
        return pt_net_norm_forward(n, i);
    case PT_OP_RELU:
    case PT_OP_RELU6:
        if (o->fused) break;
        pt_relu_forward(n->opt.pool, act, floats, pt_net_y(n, node->in[0]), o->y);
        break;
    case PT_OP_MAX_POOL:
        run_max_pool(n, i);
        break;
    case PT_OP_GLOBAL_AVG_POOL:
    case PT_OP_ADAPTIVE_AVG_POOL:
    case PT_OP_AVG_POOL:
        run_average(n, i);
        break;
    case PT_OP_LINEAR:
        run_linear(n, i);
        break;
    case PT_OP_DROPOUT:
        run_dropout(n, i);
        break;
    case PT_OP_ADD:
        if (o->summed_by >= 0) break;
        pt_add_forward(n->opt.pool, o->act, floats, pt_net_y(n, node->in[0]),
                       pt_net_y(n, node->in[1]), o->y);
        break;
    case PT_OP_CONCAT:
        run_concat(n, i);
        break;
    case PT_OP_SHORTCUT_A:
        run_shortcut(n, i);
        break;
    case PT_OP_INPUT:
        break;
    }
    return PT_OK;
}

static bool has_tensors(const pt_node *n)
{
    return n->weight >= 0 || n->bias >= 0 || n->mean >= 0 || n->var >= 0;
}

/* The nodes from first to the pass's top. */
static pt_status run_nodes(pt_net *n, int first)
{
    const pt_graph *g = n->opt.graph;
    pt_status s = PT_OK;

    pt_net_begin_polling(n);
    for (int i = first; i <= n->top && s == PT_OK; i++) {
        if (n->plan.nodes[i].side && !pt_net_training_pass(n) && !n->side) continue;
        if (n->hooks.before_node && has_tensors(&g->nodes[i]))
            s = n->hooks.before_node(n->hooks.context, i);
        if (s == PT_OK) s = run_node(n, i);
        pt_net_lap(n, i, PT_PART_FORWARD);
        pt_net_poll(n);
    }
    pt_net_end_polling(n);
    if (s != PT_OK) n->pass = PT_PASS_NONE;
    return s;
}

static pt_status check_span(const pt_net *n, const pt_span *span)
{
    const pt_net_options *o = &n->opt;

    if (!o->training)
        return pt_fail(PT_ERR_BUG, "%s was made for evaluation only", o->graph->network);
    if (span->n_shards != o->n_shards || span->lo != o->lo || span->hi != o->hi ||
        span->b < 1)
        return pt_fail(PT_ERR_SHAPE,
                       "span %d to %d of %d shards, %d images: the network owns %d to %d "
                       "of %d",
                       span->lo, span->hi, span->n_shards, span->b, o->lo, o->hi,
                       o->n_shards);
    if (pt_span_images(span) > o->max_images)
        return pt_fail(PT_ERR_SHAPE, "%d images in a pass, the network holds %d",
                       pt_span_images(span), o->max_images);
    return PT_OK;
}

pt_status pt_net_forward(pt_net *n, const pt_span *span, const float *input,
                         uint64_t step)
{
    pt_status s = check_span(n, span);
    int at = 0;

    if (s != PT_OK) return s;
    n->pass = PT_PASS_FORWARD;
    n->span = *span;
    n->n_images = pt_span_images(span);
    n->top = n->opt.graph->n_nodes - 1;
    n->step = step;
    n->input = input;
    n->n_groups = 0;
    for (int k = span->lo; k < span->hi; k++) {
        int size = pt_shard_size(span, k);

        if (size == 0) continue;
        for (int i = 0; i < size; i++) n->group_of[at + i] = n->n_groups;
        n->group_begin[n->n_groups] = at;
        n->group_shard[n->n_groups++] = k;
        at += size;
    }
    n->group_begin[n->n_groups] = at;
    return run_nodes(n, 1);
}

pt_status pt_net_evaluate_to(pt_net *n, int n_images, const float *input, int top)
{
    if (n_images < 1 || n_images > n->opt.max_images)
        return pt_fail(PT_ERR_SHAPE, "%d images in a pass, the network holds %d",
                       n_images, n->opt.max_images);
    n->pass = PT_PASS_EVALUATED;
    n->n_images = n_images;
    n->intact = n->opt.graph->n_nodes;
    n->top = top;
    n->input = input;
    n->n_groups = (n_images + PT_EVAL_BLOCK - 1) / PT_EVAL_BLOCK;
    for (int i = 0; i < n->n_groups; i++) n->group_begin[i] = i * PT_EVAL_BLOCK;
    n->group_begin[n->n_groups] = n_images;
    return run_nodes(n, 1);
}

pt_status pt_net_evaluate(pt_net *n, int n_images, const float *input)
{
    return pt_net_evaluate_to(n, n_images, input, n->opt.graph->n_nodes - 1);
}

/* Exchanges a channel of y [pixels][c] with other [pixels]. */
static void swap_channel(float *y, size_t pixels, size_t c, float *other)
{
    for (size_t i = 0; i < pixels; i++) {
        float v = y[i * c];

        y[i * c] = other[i];
        other[i] = v;
    }
}

pt_status pt_net_evaluate_without(pt_net *n, int k, int channel)
{
    const pt_net_options *o = &n->opt;
    int map = k < o->n_maps ? o->maps[k] : 0;
    const pt_node *node = &o->graph->nodes[map];
    size_t c = (size_t)node->c, pixels;
    float *y = (float *)n->plan.nodes[map].y.at + channel;
    pt_status s;

    if (!o->repeats || n->pass != PT_PASS_EVALUATED || map == 0 || map > n->intact ||
        n->top + 1 < o->graph->n_nodes || channel >= node->c)
        return pt_fail(PT_ERR_BUG, "no pass of %s to repeat from map %d, channel %d",
                       o->graph->network, k, channel);
    pixels = (size_t)n->n_images * (size_t)node->h * (size_t)node->w;
    n->intact = map;
    for (size_t i = 0; i < pixels; i++) n->channel[i] = 0;
    swap_channel(y, pixels, c, n->channel);
    s = run_nodes(n, map + 1);
    swap_channel(y, pixels, c, n->channel);
    return s;
}
