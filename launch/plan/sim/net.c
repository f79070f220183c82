#include "launch/plan/sim/net.h"

#include "common/run/factors.h"
#include "common/run/moments.h"
#include "launch/plan/sim/cost.h"

struct pt_net {
    pt_sim *sim;
    pt_net_hooks hooks;
    double *formed; /* [n_params]: the share of a gradient's rows that is */
};

pt_status pt_sim_net_create(pt_sim *s, pt_net **out)
{
    pt_net *n = pt_calloc(1, sizeof *n);

    *out = n;
    if (n) n->formed = pt_calloc((size_t)s->run->graph->n_params, sizeof *n->formed);
    if (!n || !n->formed) return pt_fail(PT_ERR_NOMEM, "no memory for a network");
    n->sim = s;
    for (int i = 0; i < s->run->graph->n_params; i++) n->formed[i] = 1;
    return PT_OK;
}

void pt_net_set_hooks(pt_net *n, const pt_net_hooks *hooks)
{
    n->hooks = *hooks;
}

/* Nobody reads it. */
float *pt_net_gradient(pt_net *n, int tensor, int t)
{
    return n->sim->run->flat + n->sim->run->graph->tensors[tensor].offset;
}

void pt_net_want_rows(pt_net *n, int tensor, const bool *rows)
{
    size_t all = pt_factors_rows(n->sim->run, tensor), some = 0;

    for (size_t i = 0; i < all; i++) some += rows[i];
    n->formed[tensor] = (double)some / (double)all;
}

void pt_net_factors(const pt_net *n, int tensor, const float **x, const float **dy)
{
    *x = *dy = n->sim->run->flat;
}

/* Of sums that nobody reads. */
static void add_nothing(void *context, void *into, const void *from)
{
}

static bool exchanges(const pt_run *r, int node, bool backward)
{
    return pt_run_has_moments(r, node) &&
           (!backward || r->wanted[r->graph->nodes[node].in[0]]);
}

static pt_status begin(pt_net *n, int node, bool backward)
{
    const pt_run *r = n->sim->run;
    size_t len = pt_exchange_len(r->graph->nodes[node].c, backward);

    if (!exchanges(r, node, backward)) return PT_OK;
    return n->hooks.exchange_begin(n->hooks.context, node, backward, n->sim->sums, len,
                                   add_nothing);
}

static pt_status end(pt_net *n, int node, bool backward)
{
    const double *total;

    if (!exchanges(n->sim->run, node, backward)) return PT_OK;
    return n->hooks.exchange_end(n->hooks.context, &total);
}

pt_status pt_sim_net_forward(pt_net *n)
{
    const pt_run *r = n->sim->run;
    pt_status s = PT_OK;

    for (int i = 1; i < r->graph->n_nodes && s == PT_OK; i++) {
        if (r->graph->nodes[i].weight >= 0) s = n->hooks.before_node(n->hooks.context, i);
        pt_cost_owe(n->sim->costs.forward[i]);
        if (s == PT_OK) s = begin(n, i, false);
        if (s == PT_OK) s = end(n, i, false);
    }
    return s;
}

void pt_sim_net_backward_head(pt_net *n)
{
    const pt_graph *g = n->sim->run->graph;

    for (int i = g->logits; i > g->rep; i--) pt_cost_owe(n->sim->costs.data[i]);
}

static pt_status announce(pt_net *n, int node)
{
    const pt_node *o = &n->sim->run->graph->nodes[node];
    const int tensors[] = {o->weight, o->bias};
    pt_status s = PT_OK;

    for (int i = 0; i < 2 && s == PT_OK; i++)
        if (tensors[i] >= 0 && n->sim->run->trained[tensors[i]])
            s = n->hooks.gradient_ready(n->hooks.context, tensors[i]);
    return s;
}

static pt_status weights_of(pt_net *n, int node)
{
    int weight = n->sim->run->graph->nodes[node].weight;

    pt_cost_owe(n->sim->costs.weights[node] * (weight < 0 ? 1 : n->formed[weight]));
    return announce(n, node);
}

/* Are the node's weight gradients computed while the sums of the batch norm below it are
 * under way? */
static bool defers(const pt_run *r, int node)
{
    const pt_graph *g = r->graph;

    if (g->nodes[node].op == PT_OP_BATCH_NORM || g->nodes[node].weight < 0) return false;
    for (int i = node - 1; i > 0; i--) {
        if (g->nodes[i].op == PT_OP_BATCH_NORM) return exchanges(r, i, true);
        if (g->nodes[i].weight >= 0) return false;
    }
    return false;
}

/* *owed: the node whose weight gradients wait, -1: none. */
static pt_status turn(pt_net *n, int node, int *owed)
{
    const pt_run *r = n->sim->run;
    bool data = node <= r->graph->rep;
    int waits = r->graph->nodes[node].op == PT_OP_BATCH_NORM ? *owed : -1;
    pt_status s = data ? begin(n, node, true) : PT_OK;

    if (s == PT_OK && waits >= 0) s = weights_of(n, waits);
    if (waits >= 0) *owed = -1;
    if (defers(r, node)) *owed = node;
    if (s == PT_OK && data) s = end(n, node, true);
    if (data) pt_cost_owe(n->sim->costs.data[node]);
    return s == PT_OK && *owed != node ? weights_of(n, node) : s;
}

pt_status pt_sim_net_backward(pt_net *n)
{
    const pt_run *r = n->sim->run;
    int owed = -1;
    pt_status s = PT_OK;

    for (int i = r->graph->logits; i > 0 && s == PT_OK; i--)
        if (r->wanted[i]) s = turn(n, i, &owed);
    return s;
}
