#include "worker/engine/net/net.h"

#include <stdlib.h>

#include "common/base/pages.h"
#include "common/run/moments.h"
#include "worker/engine/net/net_internal.h"

/* All paths from the input to the logits cross rep: the nodes after rep read nothing
 * that was made before it. */
static bool rep_cuts(const pt_graph *g, const pt_net_node *nodes)
{
    for (int i = g->rep + 1; i < g->n_nodes; i++)
        for (int k = 0; k < 2; k++)
            if (nodes[i].leads && g->nodes[i].in[k] >= 0 && g->nodes[i].in[k] < g->rep)
                return false;
    return true;
}

/* Rounded up to whole cache lines; impossibly large sizes stay impossibly large. */
static size_t cut_bytes(size_t bytes)
{
    return bytes > SIZE_MAX / 8 ? SIZE_MAX / 8 : (bytes + 63) / 64 * 64;
}

/* Takes bytes from the front of a block. */
static void *cut(char **at, size_t bytes)
{
    void *p = *at;

    *at += cut_bytes(bytes);
    return p;
}

static void cut_scratch(pt_net *n)
{
    const pt_net_plan_result *plan = &n->plan;
    size_t c = (size_t)plan->max_channels, len = pt_moments_len(c);
    size_t owned = (size_t)(n->opt.hi - n->opt.lo), cover = (size_t)plan->n_cover;
    char *at = n->scratch;

    n->kernel_scratch = cut(&at, plan->kernel_floats * sizeof(float));
    n->channel = cut(&at, plan->channel_floats * sizeof(float));
    if (!n->opt.training || c == 0) return;
    n->leaves = cut(&at, (owned + cover) * len * sizeof(double));
    n->parts = n->leaves + owned * len;
    n->float_leaves = cut(&at, owned * 2 * c * sizeof(float));
    n->means = cut(&at, owned * 2 * c * sizeof(float));
}

static void cut_activations(pt_net *n)
{
    const pt_graph *g = n->opt.graph;
    float *base = n->activations;

    for (int i = 0; i < g->n_nodes; i++) {
        pt_net_node *node = &n->plan.nodes[i];

        if (i > 0) node->y.at = base + node->y_at;
        if (n->opt.training && node->dy_root >= 0) node->dy.at = base + node->dy_at;
        if (n->opt.training && g->nodes[i].op == PT_OP_MAX_POOL)
            node->argmax = (uint8_t *)(base + node->argmax_at);
        if (g->nodes[i].op != PT_OP_BATCH_NORM) continue;
        node->coef = base + node->coef_at;
        if (n->opt.training) node->moments = (double *)(base + node->moments_at);
    }
}

static pt_status allocate(pt_net *n)
{
    const pt_net_memory *m = &n->plan.bytes;
    size_t images = (size_t)n->opt.max_images;
    size_t groups = (size_t)n->opt.n_shards + images / PT_EVAL_BLOCK + 2;

    n->arena_bytes = cut_bytes(m->activations) + cut_bytes(m->scratch);
    if (!n->opt.gradients) n->arena_bytes += cut_bytes(m->gradients);
    n->arena = pt_pages_alloc(n->arena_bytes);
    n->trained = calloc((size_t)n->opt.graph->n_params + 1, sizeof *n->trained);
    n->rows = calloc((size_t)n->opt.graph->n_params + 1, sizeof *n->rows);
    n->group_begin = calloc(groups, sizeof *n->group_begin);
    n->group_shard = calloc(groups, sizeof *n->group_shard);
    n->group_of = calloc(images, sizeof *n->group_of);
    if (!n->arena || !n->trained || !n->rows || !n->group_begin || !n->group_shard ||
        !n->group_of)
        return pt_fail(PT_ERR_NOMEM,
                       "%s for %d images: no memory for %zu + %zu + %zu bytes of "
                       "activations, gradients and scratch",
                       n->opt.graph->network, n->opt.max_images, m->activations,
                       m->gradients, m->scratch);
    char *at = n->arena;

    n->activations = cut(&at, m->activations);
    n->gradients = n->opt.gradients;
    if (!n->gradients) n->gradients = cut(&at, m->gradients);
    n->scratch = cut(&at, m->scratch);
    cut_activations(n);
    cut_scratch(n);
    return PT_OK;
}

pt_status pt_net_create(const pt_net_options *opt, pt_net **out)
{
    pt_net *n = calloc(1, sizeof *n);

    *out = NULL;
    if (!n) return pt_fail(PT_ERR_NOMEM, "no memory for a network");
    n->opt = *opt;
    if (!opt->training) n->opt.n_shards = 1;

    pt_status s = pt_net_plan_create(&n->opt, &n->plan);
    if (s == PT_OK) s = allocate(n);
    if (s == PT_OK) {
        n->rep_cuts = rep_cuts(opt->graph, n->plan.nodes);
        for (int i = 0; i < opt->graph->n_params; i++) n->trained[i] = true;
        pt_net_set_trained(n, n->trained);
        *out = n;
        n = NULL;
    }
    pt_net_destroy(&n);
    return s;
}

void pt_net_destroy(pt_net **net)
{
    pt_net *n = net ? *net : NULL;

    if (!n) return;
    pt_pages_free(n->arena, n->arena_bytes);
    free(n->trained);
    free(n->rows);
    free(n->group_begin);
    free(n->group_shard);
    free(n->group_of);
    pt_net_plan_fini(&n->plan);
    free(n);
    *net = NULL;
}

void pt_net_set_hooks(pt_net *n, const pt_net_hooks *hooks)
{
    n->hooks = hooks ? *hooks : (pt_net_hooks){0};
}

pt_net_memory pt_net_plan(const pt_net_options *opt)
{
    pt_net_plan_result plan;
    pt_net_memory none = {SIZE_MAX, SIZE_MAX, SIZE_MAX};

    if (pt_net_plan_create(opt, &plan) != PT_OK) return none;
    none = plan.bytes;
    pt_net_plan_fini(&plan);
    return none;
}

void pt_net_set_trained(pt_net *n, const bool *trained)
{
    const pt_graph *g = n->opt.graph;

    for (int i = 0; i < g->n_params; i++) n->trained[i] = trained[i];
    for (int i = 0; i < g->n_nodes; i++) {
        const pt_node *node = &g->nodes[i];
        bool needs =
            pt_net_is_trained(n, node->weight) || pt_net_is_trained(n, node->bias);

        for (int k = 0; k < 2; k++)
            needs = needs || (node->in[k] >= 0 && n->plan.nodes[node->in[k]].needs_grad);
        if (i == 0) needs = n->opt.input_gradient;
        needs = needs && (n->plan.nodes[i].leads || n->plan.nodes[i].side);
        n->plan.nodes[i].needs_grad = needs;
    }
}

void pt_net_want_rows(pt_net *n, int tensor, const bool *rows)
{
    n->rows[tensor] = rows;
}

void pt_net_add_map_gradient(pt_net *n, int k, const float *g)
{
    n->plan.nodes[n->opt.maps[k]].plus = g;
}

void pt_net_evaluate_side(pt_net *n, bool side)
{
    n->side = side;
}

pt_values pt_net_values(const pt_net *n, int node)
{
    const pt_net_node *o = &n->plan.nodes[node];
    bool there = n->pass != PT_PASS_NONE && node <= n->top && o->readable;

    return there ? o->y : (pt_values){0};
}

const float *pt_net_output(const pt_net *n, int node)
{
    pt_values y = pt_net_values(n, node);

    return y.bf16 ? NULL : y.at;
}

float *pt_net_gradient(pt_net *n, int tensor, int t)
{
    return n->gradients + (size_t)t * n->plan.gradient_floats +
           n->opt.graph->tensors[tensor].offset;
}

void pt_net_factors(const pt_net *n, int tensor, const float **x, const float **dy)
{
    int node = n->opt.graph->tensors[tensor].node;

    *x = pt_net_float_y(n, n->opt.graph->nodes[node].in[0]);
    *dy = n->plan.nodes[node].dy.at;
}

const float *pt_net_input_gradient(const pt_net *n)
{
    return n->pass == PT_PASS_DONE ? n->plan.nodes[0].dy.at : NULL;
}

const double *pt_net_moments(const pt_net *n, int node, int t)
{
    const pt_net_node *o = &n->plan.nodes[node];
    const pt_subtree *cover = n->plan.cover;
    size_t place = 0;

    if (n->pass == PT_PASS_NONE || n->pass == PT_PASS_EVALUATED) return NULL;
    if (!o->batch_stats || t < 0 || t >= n->plan.n_cover ||
        pt_node_size(&n->span, cover[t].level, cover[t].index) == 0)
        return NULL;
    for (int i = 0; i < t; i++)
        if (pt_node_size(&n->span, cover[i].level, cover[i].index) > 0) place++;
    return o->moments + place * pt_moments_len((size_t)n->opt.graph->nodes[node].c);
}

void pt_net_begin_polling(pt_net *n)
{
    pt_threads_set_poll(n->opt.pool, n->hooks.poll, n->hooks.context);
}

void pt_net_end_polling(pt_net *n)
{
    pt_threads_set_poll(n->opt.pool, NULL, NULL);
}

void pt_net_poll(pt_net *n)
{
    if (n->hooks.poll) n->hooks.poll(n->hooks.context);
}
