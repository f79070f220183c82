/* The gradients of outputs: which share a buffer, and where each is. See net_plan.c. */
#include "worker/engine/net/planner.h"

static bool has_parameters(const pt_node *n)
{
    return n->weight >= 0 || n->bias >= 0;
}

/* Does the backward pass of this layer leave the gradient that it reads unchanged? */
static bool only_reads(pt_op op)
{
    return op != PT_OP_ADD && op != PT_OP_DROPOUT && !pt_is_relu(op);
}

/* Both inputs of an addition may share its gradient if one of them, r, only reads it and
 * all that is written to the other, s, comes after that: later in time is a lower
 * index. */
static bool may_share(const pt_net_planner *p, int add, int r, int s)
{
    if (!only_reads(p->g->nodes[r].op) || p->uses[r] != 1 || s >= r) return false;
    for (int j = r; j < add; j++)
        if (p->g->nodes[j].in[0] == s || p->g->nodes[j].in[1] == s) return false;
    return true;
}

/* Shares the gradient buffer of node i with inputs that get its gradient unchanged. */
static void share_gradient(pt_net_planner *p, int i)
{
    const pt_node *node = &p->g->nodes[i];
    int a = node->in[0], b = node->in[1], root = p->nodes[i].dy_root;
    bool can_a = a > 0 && p->nodes[a].first_writer == i && p->nodes[a].dy_root == a &&
                 !p->nodes[a].map;
    bool can_b = b > 0 && p->nodes[b].first_writer == i && p->nodes[b].dy_root == b &&
                 !p->nodes[b].map;

    if (root < 0 || i > p->g->rep || a == b) return; /* head: gradients are kept */
    if (node->op == PT_OP_ADD) {
        if (can_a && can_b && !may_share(p, i, a, b) && !may_share(p, i, b, a))
            can_b = false;
        if (can_a) p->nodes[a].dy_root = root;
        if (can_b) p->nodes[b].dy_root = root;
    } else if ((pt_is_relu(node->op) || node->op == PT_OP_DROPOUT) && can_a) {
        p->nodes[a].dy_root = root;
    }
}

void pt_net_place_gradients(pt_net_planner *p, pt_lifetime *l, pt_lifetime **placed)
{
    const pt_graph *g = p->g;
    int n = g->n_nodes;

    for (int i = 0; i < n; i++) { /* who can have something trained at or below it */
        bool any = has_parameters(&g->nodes[i]);

        for (int k = 0; k < 2; k++)
            any = any ||
                  (g->nodes[i].in[k] >= 0 && p->nodes[g->nodes[i].in[k]].dy_root >= 0);
        any = any || i >= g->rep || (i == 0 && p->opt->input_gradient);
        any = any && (p->nodes[i].leads || p->nodes[i].side);
        p->nodes[i].dy_root = any ? i : -1;
    }
    for (int i = n - 1; i > 0; i--) share_gradient(p, i);
    for (int i = 0; i < n; i++) {
        const pt_net_node *node = &p->nodes[i];
        bool given = i == g->logits || i == g->source_logits;
        int first = given ? 0 : n - 1 - node->first_writer;
        int last = n - 1 - (i > g->rep ? g->rep : i);

        if (node->dy_root >= 0)
            pt_lifetime_add(l, node->dy_root, first, last, pt_net_image_floats(p, i));
    }
    size_t k = pt_lifetimes_compact(l, n), base = p->floats;

    p->floats = pt_add_sizes(base, pt_lifetimes_place(l, k, placed));
    for (size_t i = 0; i < k; i++)
        p->nodes[l[i].root].dy_at = pt_add_sizes(base, l[i].at);
    for (int i = 0; i < n; i++)
        if (p->nodes[i].dy_root >= 0)
            p->nodes[i].dy_at = p->nodes[p->nodes[i].dy_root].dy_at;
}
