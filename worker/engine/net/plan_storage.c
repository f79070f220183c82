/* Which values are stored as bfloat16 where operands are in bf16 (engine.precision): maps
 * that only layers read and write which round what they multiply anyway, or that take
 * each value by itself. What others read stays in floats: the representation and the
 * logits, maps of the options, inputs of linear layers (servers may be sent them). See
 * net_plan.c. */
#include "worker/engine/net/planner.h"

/* Does this kind of layer read and write bfloat16? */
static bool takes_bf16(pt_op op)
{
    return op != PT_OP_LINEAR && op != PT_OP_DROPOUT && op != PT_OP_SHORTCUT_A;
}

static bool is_free(const pt_net_planner *p, int i)
{
    const pt_graph *g = p->g;
    const pt_node *n = &g->nodes[i];

    return i > 0 && i != g->rep && i != g->logits && i != g->source_logits &&
           !p->nodes[i].map && n->h * n->w > 1;
}

/* May all nodes be stored so whose outputs, or gradients, share the buffer of `root`? */
static bool all_may(const pt_net_planner *p, int root, bool gradients)
{
    for (int i = 0; i < p->g->n_nodes; i++) {
        const pt_net_node *n = &p->nodes[i];

        if ((gradients ? n->dy_root : n->y_root) == root && !n->may_be_bf16) return false;
    }
    return true;
}

void pt_net_choose_storage(pt_net_planner *p)
{
    const pt_graph *g = p->g;
    bool bf16 = p->opt->training && !p->opt->repeats && pt_kernel_bf16(p->opt->kernel);

    for (int i = 0; i < g->n_nodes; i++) {
        pt_net_node *n = &p->nodes[i];

        n->may_be_bf16 = bf16 && is_free(p, i) && takes_bf16(g->nodes[i].op);
        for (int k = 0; k < 2; k++) {
            int in = g->nodes[i].in[k];

            if (in >= 0 && !takes_bf16(g->nodes[i].op)) p->nodes[in].may_be_bf16 = false;
        }
    }
    for (int i = 0; i < g->n_nodes; i++)
        p->nodes[i].y.bf16 = all_may(p, p->nodes[i].y_root, false);
}

void pt_net_choose_gradient_storage(pt_net_planner *p)
{
    for (int i = 0; i < p->g->n_nodes; i++)
        p->nodes[i].dy.bf16 =
            p->nodes[i].dy_root >= 0 && all_may(p, p->nodes[i].dy_root, true);
}
