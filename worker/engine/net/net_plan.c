/* Decides once, from the graph and the options, where every value of a pass is.
 *
 * make_plan() walks the nodes several times, each time with one question:
 *
 *     find_uses       who reads a node's output, and who writes its gradient (top down)
 *     share_outputs   which ReLU or addition overwrites its input, or is fused into it
 *     share_sums      which batch norm does the addition after it
 *     share_masks     which layer applies a ReLU's mask to the gradient that it writes
 *     choose_storage  which outputs and gradients are bfloat16 (plan_storage.c)
 *     place_outputs   offsets of outputs; time is the index of the node
 *     place_gradients offsets of their gradients (plan_gradients.c)
 *     place_states    the rest that training keeps, and the largest scratch
 *
 * What must hold: nodes that share a buffer form a chain in which each overwrites the one
 * before when nobody reads that any more. Their root is the node that owns the buffer,
 * and its lifetime covers them all. A gradient's first writer (the consumer of highest
 * index, on the main path where there is one) overwrites it, all others add, in falling
 * order of their index. This is the order of additions: a buffer may be shared only where
 * it stays so. Outputs and gradients have areas of their own. */
#include "worker/engine/net/net_plan.h"

#include <stdlib.h>

#include "common/run/moments.h"
#include "worker/engine/conv/conv.h"
#include "worker/engine/conv/depthwise.h"
#include "worker/engine/layers/batch_norm.h"
#include "worker/engine/layers/linear.h"
#include "worker/engine/net/planner.h"

/* Takes n floats at the end of the activation block. */
static size_t take(pt_net_planner *p, size_t n)
{
    size_t at = p->floats;

    p->floats = pt_add_sizes(p->floats, pt_whole_lines(n));
    return at;
}

/* Do the weights' or statistics' gradients of this kind of layer read its input? */
static bool keeps_input(pt_op op)
{
    return op == PT_OP_CONV || op == PT_OP_DEPTHWISE || op == PT_OP_LINEAR ||
           op == PT_OP_BATCH_NORM;
}

/* Consumer i, which may be on the side branch, writes to the gradient of `in`; consumers
 * are visited in falling order. Where the main path reads `in` too, it writes first
 * (first_main) and the branch adds. */
static void take_writer(pt_net_node *in, const pt_net_node *n, int i)
{
    if (!n->leads && !n->side) return;
    if (n->leads && in->first_main < 0) in->first_main = i;
    if (in->first_writer < 0) in->first_writer = i;
    in->last_writer = i;
}

static void find_uses(pt_net_planner *p)
{
    const pt_graph *g = p->g;

    for (int i = g->n_nodes - 1; i >= 0; i--) {
        pt_net_node *n = &p->nodes[i];

        n->leads = n->leads || i == g->logits;
        n->side = (n->side || i == g->source_logits) && !n->leads;
        if (p->uses[i] == 0) p->last_use[i] = i;
        for (int k = 0; k < 2; k++) {
            int in = g->nodes[i].in[k];

            if (in < 0) continue;
            if (p->uses[in]++ == 0) p->last_use[in] = i;
            p->nodes[in].leads = p->nodes[in].leads || n->leads;
            p->nodes[in].side = p->nodes[in].side || n->side;
            take_writer(&p->nodes[in], n, i);
        }
    }
}

pt_conv_shape pt_net_conv_shape(const pt_net_options *o, int node)
{
    const pt_graph *g = o->graph;
    const pt_node *n = &g->nodes[node], *in = &g->nodes[n->in[0]];
    const pt_window *w = &n->window;

    return (pt_conv_shape){in->h, in->w, in->c,     n->h,       n->w,        n->c,
                           w->kh, w->kw, w->stride, w->pad_top, w->pad_left, o->kernel};
}

/* ---- outputs ----------------------------------------------------------------------- */

/* Is one of the maps in first..end-1, so that a pass may be repeated from there on? */
static bool repeats_from(const pt_net_planner *p, int first, int end)
{
    for (int k = 0; k < p->opt->n_maps && p->opt->repeats; k++)
        if (p->opt->maps[k] >= first && p->opt->maps[k] < end) return true;
    return false;
}

/* May the only consumer of `in`, node i, overwrite its output? */
static bool may_overwrite(const pt_net_planner *p, int in, int i)
{
    const pt_graph *g = p->g;

    if (in == 0 || in == g->rep || p->uses[in] != 1 || p->nodes[in].map) return false;
    if (repeats_from(p, in, i)) return false;
    return !(p->opt->training && pt_is_relu(g->nodes[in].op)); /* its backward reads it */
}

static void share_outputs(pt_net_planner *p)
{
    const pt_graph *g = p->g;
    bool training = p->opt->training;

    for (int i = 0; i < g->n_nodes; i++) {
        pt_net_node *n = &p->nodes[i];
        pt_op op = g->nodes[i].op;
        const int *in = g->nodes[i].in;
        bool can = pt_is_relu(op) || op == PT_OP_ADD ||
                   (!training && (op == PT_OP_BATCH_NORM || op == PT_OP_DROPOUT));

        n->y_root = i;
        if (!can) continue;
        if (may_overwrite(p, in[0], i))
            n->y_root = p->nodes[in[0]].y_root;
        else if (op == PT_OP_ADD && may_overwrite(p, in[1], i))
            n->y_root = p->nodes[in[1]].y_root;
        if (!pt_is_relu(op) || n->y_root == i) continue;

        pt_op below = g->nodes[in[0]].op;
        n->fused = below == PT_OP_BATCH_NORM || below == PT_OP_ADD ||
                   (below == PT_OP_CONV && op == PT_OP_RELU);
        n->masked_below = below == PT_OP_BATCH_NORM;
        if (n->fused) p->nodes[in[0]].act = op == PT_OP_RELU ? PT_ACT_RELU : PT_ACT_RELU6;
    }
}

/* A ReLU's backward pass reads and writes its gradient once more, unless the layer that
 * writes it last can apply the mask. Not at the representation: the gradient from above
 * is not complete then. */
static void share_masks(pt_net_planner *p)
{
    const pt_graph *g = p->g;

    for (int i = 1; i < g->n_nodes; i++) {
        pt_net_node *n = &p->nodes[i];
        const pt_node *by = n->last_writer < 0 ? NULL : &g->nodes[n->last_writer];

        if (!by || g->nodes[i].op != PT_OP_RELU || n->masked_below || i == g->rep ||
            n->map)
            continue;
        n->masked_above = (by->op == PT_OP_CONV || by->op == PT_OP_MAX_POOL ||
                           by->op == PT_OP_CONCAT) &&
                          by->in[0] != by->in[1];
    }
}

/* An addition is fused into the batch norm that is its later input. */
static void share_sums(pt_net_planner *p)
{
    const pt_graph *g = p->g;

    for (int i = 1; i < g->n_nodes; i++) {
        const int *in = g->nodes[i].in;
        int later = in[0] > in[1] ? in[0] : in[1];

        if (g->nodes[i].op != PT_OP_ADD || in[0] == in[1]) continue;
        if (g->nodes[later].op != PT_OP_BATCH_NORM || p->uses[later] != 1 ||
            later == g->rep || p->nodes[later].act != PT_ACT_NONE || p->nodes[later].map)
            continue;
        p->nodes[later].sum = i;
        p->nodes[i].summed_by = later;
    }
}

static int written_at(const pt_net_planner *p, int i)
{
    return p->nodes[i].summed_by < 0 ? i : p->nodes[i].summed_by;
}

/* Must the output outlive the forward pass? */
static bool is_kept(const pt_net_planner *p, int i)
{
    const pt_graph *g = p->g;

    if (i == g->rep || i == g->logits || i == g->source_logits || p->nodes[i].map)
        return true;
    if (repeats_from(p, written_at(p, i), p->last_use[i])) return true;
    if (!p->opt->training) return false;
    if (pt_is_relu(g->nodes[i].op)) return true;
    for (int j = i + 1; j <= p->last_use[i]; j++)
        if (keeps_input(g->nodes[j].op) && g->nodes[j].in[0] == i) return true;
    return false;
}

/* ---- places ------------------------------------------------------------------------ */

static void place_outputs(pt_net_planner *p, pt_lifetime *l, pt_lifetime **placed)
{
    int n = p->g->n_nodes;

    for (int i = 1; i < n; i++) {
        pt_net_node *node = &p->nodes[i];

        pt_lifetime_add(l, node->y_root, written_at(p, i),
                        is_kept(p, i) ? n : p->last_use[i],
                        pt_net_stored_floats(p, i, node->y.bf16));
    }
    for (int i = 1; i < n; i++) { /* readable: kept, and the last that wrote */
        int root = p->nodes[i].y_root;

        p->nodes[i].readable = l[root].last == n;
        for (int j = i + 1; j <= p->last_use[i]; j++)
            if (p->nodes[j].y_root == root) p->nodes[i].readable = false;
    }
    size_t k = pt_lifetimes_compact(l, n), base = p->floats;

    p->floats = pt_add_sizes(base, pt_lifetimes_place(l, k, placed));
    for (size_t i = 0; i < k; i++) p->nodes[l[i].root].y_at = pt_add_sizes(base, l[i].at);
    for (int i = 1; i < n; i++) p->nodes[i].y_at = p->nodes[p->nodes[i].y_root].y_at;
}

/* ---- the rest ---------------------------------------------------------------------- */

static size_t kernel_scratch(const pt_net_planner *p, int i)
{
    const pt_node *n = &p->g->nodes[i];
    pt_span span =
        p->opt->training
            ? (pt_span){.n_shards = p->opt->n_shards, .lo = p->opt->lo, .hi = p->opt->hi}
            : (pt_span){.n_shards = 1, .hi = 1};
    int threads = pt_threads_count(p->opt->pool);
    pt_conv_shape s;

    switch (n->op) {
    case PT_OP_CONV:
        s = pt_net_conv_shape(p->opt, i);
        return pt_conv_scratch(&s, &span, threads);
    case PT_OP_DEPTHWISE:
        s = pt_net_conv_shape(p->opt, i);
        return pt_depthwise_scratch(&s, &span, threads);
    case PT_OP_LINEAR:
        return pt_linear_scratch((int)p->nodes[n->in[0]].size, n->c, p->opt->max_images,
                                 span.n_shards, threads);
    default:
        return 0;
    }
}

static void place_states(pt_net_planner *p, pt_net_plan_result *out)
{
    const pt_net_options *opt = p->opt;
    size_t owned = (size_t)(opt->hi - opt->lo);
    size_t sets = opt->training && opt->bn_mode == PT_BN_SHARD ? owned : 1, scratch = 0;

    for (int i = 1; i < p->g->n_nodes; i++) {
        const pt_node *node = &p->g->nodes[i];
        pt_net_node *n = &p->nodes[i];

        if (scratch < kernel_scratch(p, i)) scratch = kernel_scratch(p, i);
        if (node->op == PT_OP_MAX_POOL && opt->training)
            n->argmax_at = take(p, (pt_net_image_floats(p, i) + 3) / 4);
        if (node->op != PT_OP_BATCH_NORM) continue;
        if (out->max_channels < node->c) out->max_channels = node->c;
        n->coef_at = take(p, sets * pt_bn_coef_len(node->c));
        if (opt->training)
            n->moments_at =
                take(p, 2 * (size_t)out->n_cover * pt_moments_len((size_t)node->c));
    }
    out->kernel_floats = pt_whole_lines(scratch);
    for (int k = 0; k < opt->n_maps && opt->repeats; k++) {
        int i = opt->maps[k];
        size_t n = pt_whole_lines(pt_net_image_floats(p, i) / (size_t)p->g->nodes[i].c);

        if (out->channel_floats < n) out->channel_floats = n;
    }
}

/* See the fields of pt_net: leaves, parts, float_leaves and means. */
static size_t norm_bytes(const pt_net_options *opt, const pt_net_plan_result *out)
{
    size_t len = pt_moments_len((size_t)out->max_channels);
    size_t owned = (size_t)(opt->hi - opt->lo);

    if (!opt->training || out->max_channels == 0) return 0;
    return pt_round_up((owned + (size_t)out->n_cover) * len * sizeof(double), 64) +
           2 * pt_round_up(owned * 2 * (size_t)out->max_channels * sizeof(float), 64);
}

static pt_status check_options(const pt_net_options *o)
{
    int v = o->n_shards;

    if (o->training && (v < 1 || v > PT_MAX_SHARDS || (v & (v - 1)) != 0))
        return pt_fail(PT_ERR_CONFIG, "%d shards: must be a power of two, at most %d", v,
                       PT_MAX_SHARDS);
    if (o->training && (o->lo < 0 || o->lo >= o->hi || o->hi > v))
        return pt_fail(PT_ERR_SHAPE, "shards %d to %d of %d cannot be owned", o->lo,
                       o->hi, v);
    if (o->max_images < 1)
        return pt_fail(PT_ERR_SHAPE, "a network for %d images", o->max_images);
    for (int i = 0; i < o->graph->n_nodes; i++) {
        const pt_node *n = &o->graph->nodes[i];

        if (n->op == PT_OP_BATCH_NORM &&
            (n->weight < 0 || n->bias < 0 || n->mean < 0 || n->var < 0))
            return pt_fail(PT_ERR_SHAPE, "%s: batch norm needs four tensors", n->name);
        if (n->op == PT_OP_MAX_POOL && n->window.kh * n->window.kw > 255)
            return pt_fail(PT_ERR_SHAPE, "%s: window of %d x %d, at most 255 pixels",
                           n->name, n->window.kh, n->window.kw);
    }
    return PT_OK;
}

/* One set for each sub-tree of a cover. */
static size_t gradient_bytes(const pt_graph *g, int n_cover)
{
    return pt_mul(pt_mul((size_t)n_cover, pt_whole_lines(g->n_param_floats)),
                  sizeof(float));
}

static void make_plan(pt_net_planner *p, pt_net_plan_result *out, pt_lifetime *l,
                      pt_lifetime **placed)
{
    const pt_graph *g = p->g;

    for (int i = 0; i < g->n_nodes; i++) {
        const pt_node *n = &g->nodes[i];

        p->nodes[i].size = pt_mul(pt_mul((size_t)n->h, (size_t)n->w), (size_t)n->c);
        p->nodes[i].first_writer = p->nodes[i].last_writer = -1;
        p->nodes[i].first_main = -1;
        p->nodes[i].dy_root = p->nodes[i].sum = p->nodes[i].summed_by = -1;
    }
    for (int k = 0; k < p->opt->n_maps; k++) p->nodes[p->opt->maps[k]].map = true;
    find_uses(p);
    for (int i = 0, main = 0; i < g->n_nodes; i++) {
        pt_net_node *n = &p->nodes[i];

        if (n->first_main >= 0) n->first_writer = n->first_main;
        n->dropout_id = n->side ? g->n_nodes + i : main;
        main += !n->side;
    }
    share_outputs(p);
    share_sums(p);
    if (p->opt->training) share_masks(p);
    pt_net_choose_storage(p);
    place_outputs(p, l, placed);
    if (p->opt->training) {
        for (int i = 0; i < g->n_nodes; i++) l[i] = (pt_lifetime){0};
        pt_net_place_gradients(p, l, placed);
        out->n_cover =
            pt_tree_cover(p->opt->lo, p->opt->hi, p->opt->n_shards, out->cover);
        out->gradient_floats = pt_whole_lines(g->n_param_floats);
    }
    place_states(p, out);
    out->bytes.activations = pt_mul(p->floats, sizeof(float));
    if (p->opt->training) out->bytes.gradients = gradient_bytes(g, out->n_cover);
    out->bytes.scratch =
        pt_add_sizes(pt_mul(out->kernel_floats + out->channel_floats, sizeof(float)),
                     norm_bytes(p->opt, out));
}

size_t pt_net_gradient_bytes(const pt_graph *g, const pt_span *span)
{
    pt_subtree cover[PT_MAX_COVER];

    return gradient_bytes(g, pt_tree_cover(span->lo, span->hi, span->n_shards, cover));
}

pt_status pt_net_plan_create(const pt_net_options *opt, pt_net_plan_result *out)
{
    size_t n = (size_t)opt->graph->n_nodes;
    pt_net_planner p = {.opt = opt, .g = opt->graph};
    pt_lifetime *l = calloc(n, sizeof *l), **placed = calloc(n, sizeof(pt_lifetime *));
    pt_status s = check_options(opt);

    *out = (pt_net_plan_result){0};
    p.nodes = calloc(n, sizeof *p.nodes);
    p.uses = calloc(n, sizeof *p.uses);
    p.last_use = calloc(n, sizeof *p.last_use);
    if (s == PT_OK && (!l || !placed || !p.nodes || !p.uses || !p.last_use))
        s = pt_fail(PT_ERR_NOMEM, "no memory for the plan of %zu nodes", n);
    if (s == PT_OK) {
        make_plan(&p, out, l, placed);
        out->nodes = p.nodes;
        p.nodes = NULL;
    }
    free(p.nodes);
    free(p.uses);
    free(p.last_use);
    free(placed);
    free(l);
    return s;
}

void pt_net_plan_fini(pt_net_plan_result *p)
{
    free(p->nodes);
    *p = (pt_net_plan_result){0};
}
