#include "launch/bench/kinds.h"

#include "common/base/clock.h"
#include "worker/engine/conv/conv.h"
#include "worker/engine/net/net_plan.h"

const char *pt_bench_kind_name(pt_bench_kind k)
{
    static const char *const names[PT_N_KINDS] = {
        "conv 1x1",   "conv 3x3", "conv other", "depthwise", "linear",
        "batch norm", "other",    "loss",       "update",    "waiting"};

    return names[k];
}

bool pt_bench_kind_multiplies(pt_bench_kind k)
{
    return k == PT_KIND_CONV_1X1 || k == PT_KIND_CONV_3X3 || k == PT_KIND_CONV_OTHER ||
           k == PT_KIND_LINEAR;
}

static pt_bench_kind kind_of(const pt_node *n)
{
    int kh = n->window.kh, kw = n->window.kw;

    switch (n->op) {
    case PT_OP_CONV:
        return kh == 1 && kw == 1   ? PT_KIND_CONV_1X1
               : kh == 3 && kw == 3 ? PT_KIND_CONV_3X3
                                    : PT_KIND_CONV_OTHER;
    case PT_OP_DEPTHWISE:
        return PT_KIND_DEPTHWISE;
    case PT_OP_LINEAR:
        return PT_KIND_LINEAR;
    case PT_OP_BATCH_NORM:
        return PT_KIND_BATCH_NORM;
    default:
        return PT_KIND_OTHER;
    }
}

void pt_bench_laps_start(pt_bench_laps *l)
{
    l->since = pt_clock();
}

void pt_bench_charge(pt_bench_laps *l, pt_bench_kind k)
{
    double now = pt_clock();

    l->seconds[k] += now - l->since;
    l->since = now;
}

void pt_bench_lap(void *laps, int node, pt_net_part part)
{
    pt_bench_laps *l = laps;

    pt_bench_charge(l, kind_of(&l->graph->nodes[node]));
}

/* Which of a node's passes multiply numbers rounded to bfloat16: forward and to the
 * inputs, and to the weights. */
static void find_bf16(const pt_graph *g, int node, pt_kernel kernel, bool *data,
                      bool *weights)
{
    const pt_net_options o = {.graph = g, .kernel = kernel};
    pt_conv_shape s;

    *data = g->nodes[node].op == PT_OP_LINEAR && pt_kernel_bf16(kernel);
    *weights = false;
    if (g->nodes[node].op != PT_OP_CONV) return;
    s = pt_net_conv_shape(&o, node);
    *data = pt_conv_multiplies_bf16(&s);
    *weights = pt_conv_weights_multiply_bf16(&s);
}

static bool counts(pt_bench_kind k)
{
    return pt_bench_kind_multiplies(k) || k == PT_KIND_DEPTHWISE;
}

pt_bench_work pt_bench_flop(const pt_graph *g, pt_kernel kernel, pt_bench_kind k)
{
    pt_bench_work work = {0};

    for (int i = 1; i < g->n_nodes; i++) {
        const pt_node *n = &g->nodes[i];
        bool data, weights;
        double pass;

        if (kind_of(n) != k || !counts(k)) continue;
        pass = 2 * (double)n->h * (double)n->w * (double)g->tensors[n->weight].count;
        find_bf16(g, i, kernel, &data, &weights);
        *(data ? &work.bf16 : &work.fp32) += n->in[0] == 0 ? pass : 2 * pass;
        *(weights ? &work.bf16 : &work.fp32) += pass;
    }
    return work;
}
