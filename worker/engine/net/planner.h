/* A plan under construction: what net_plan.c and plan_gradients.c share. Internal to the
 * engine. */
#ifndef PT_WORKER_ENGINE_NET_PLANNER_H
#define PT_WORKER_ENGINE_NET_PLANNER_H

#include "common/base/sizes.h"
#include "worker/engine/net/lifetimes.h"
#include "worker/engine/net/net_node.h"

typedef struct {
    const pt_net_options *opt;
    const pt_graph *g;
    pt_net_node *nodes;
    int *uses;     /* [n_nodes] consumers, an input taken twice counts twice */
    int *last_use; /* [n_nodes] consumer of highest index; the node itself if none */
    size_t floats; /* of the activation block so far */
} pt_net_planner;

static inline bool pt_is_relu(pt_op op)
{
    return op == PT_OP_RELU || op == PT_OP_RELU6;
}

/* Of the images that a pass has at most. */
static inline size_t pt_net_image_floats(const pt_net_planner *p, int i)
{
    return pt_whole_lines(pt_mul((size_t)p->opt->max_images, p->nodes[i].size));
}

/* Floats that hold as many of node i's values. */
static inline size_t pt_net_stored_floats(const pt_net_planner *p, int i, bool bf16)
{
    size_t floats = pt_net_image_floats(p, i);

    return bf16 ? pt_whole_lines((floats + 1) / 2) : floats;
}

/* Which outputs, and once gradients share buffers which of those, are stored as bfloat16.
 */
void pt_net_choose_storage(pt_net_planner *p);
void pt_net_choose_gradient_storage(pt_net_planner *p);

/* Shares and places the gradients of outputs: time runs backwards. l [n_nodes]: zeroed.
 */
void pt_net_place_gradients(pt_net_planner *p, pt_lifetime *l, pt_lifetime **placed);

#endif
