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

/* Does a weight gradient of node i read its own gradient alone, so that no node that
 * shares the buffer changes it later? */
static bool owns_gradient(const pt_net_planner *p, int i)
{
    for (int k = 0; k < p->g->n_nodes; k++)
        if (k != i && p->nodes[k].dy_root == i) return false;
    return p->nodes[i].dy_root == i;
}

/* The weight gradients of the layer above a synchronised batch norm are computed at the
 * batch norm's turn, while its sums are under way. */
static void defer_weights(pt_net_planner *p)
{
    bool sync = p->opt->bn_mode == PT_BN_SYNC;

    for (int i = p->g->n_nodes - 1, above = -1; i >= 0; i--) {
        const pt_node *n = &p->g->nodes[i];

        p->nodes[i].weights_at = i;
        if (n->op == PT_OP_BATCH_NORM) {
            if (above >= 0 && sync && owns_gradient(p, above))
                p->nodes[above].weights_at = i;
            above = -1;
        } else if (has_parameters(n)) {
            above = i;
        }
    }
}

/* Time: each node's turn has two ticks. In the first, batch norm reads its gradient and
 * sends its sums, and deferred weight gradients are computed; in the second, gradients
 * are written to its inputs. */
static int data_tick(const pt_net_planner *p, int i)
{
    return 2 * (p->g->n_nodes - 1 - i) + 1;
}

/* When the gradient of node i is read for the last time. */
static int last_tick(const pt_net_planner *p, int i)
{
    int own = data_tick(p, i > p->g->rep ? p->g->rep : i);
    int weights = data_tick(p, p->nodes[i].weights_at) - 1;

    return weights > own ? weights : own;
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
    defer_weights(p);
    pt_net_choose_gradient_storage(p);
    for (int i = 0; i < n; i++) {
        const pt_net_node *node = &p->nodes[i];
        bool given = i == g->logits || i == g->source_logits;
        int first = given ? 0 : data_tick(p, node->first_writer);

        if (node->dy_root >= 0)
            pt_lifetime_add(l, node->dy_root, first, last_tick(p, i),
                            pt_net_stored_floats(p, i, node->dy.bf16));
    }
    size_t k = pt_lifetimes_compact(l, n), base = p->floats;

    p->floats = pt_add_sizes(base, pt_lifetimes_place(l, k, placed));
    for (size_t i = 0; i < k; i++)
        p->nodes[l[i].root].dy_at = pt_add_sizes(base, l[i].at);
    for (int i = 0; i < n; i++)
        if (p->nodes[i].dy_root >= 0)
            p->nodes[i].dy_at = p->nodes[p->nodes[i].dy_root].dy_at;
}
