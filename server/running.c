#include "server/running.h"

#include "common/run/moments.h"
#include "common/run/wire.h"

static void merge_moments(void *context, void *into, const void *from)
{
    pt_moments_merge(into, from, *(const size_t *)context);
}

/* The sub-trees of a node of c channels from all workers, NULL where one has no images.
 * at: doubles per sub-tree before this node. Returns their number. */
static int find_trees(const pt_run *run, uint64_t step, double *const *payload, size_t at,
                      size_t c, pt_subtree trees[PT_MAX_SHARDS],
                      void *values[PT_MAX_SHARDS])
{
    int n = 0;

    for (int w = 0; w < run->n_workers; w++) {
        pt_payload p = pt_payload_layout(run, w, step);
        pt_span span = pt_run_span(run, w, step);
        pt_subtree cover[PT_MAX_COVER];
        double *value = payload[w] + p.moments + at * (size_t)p.n_trees;
        int full, all = pt_span_cover(&span, cover, &full);

        for (int t = 0; t < all; t++, n++) {
            bool has = pt_node_size(&span, cover[t].level, cover[t].index) > 0;

            trees[n] = cover[t];
            values[n] = has ? value : NULL;
            if (has) value += pt_moments_len(c);
        }
    }
    return n;
}

void pt_running_update(pt_run *run, uint64_t step, double *const *payload)
{
    const pt_graph *g = run->graph;
    size_t at = 0;

    for (int d = 0; d < g->n_nodes; d++) {
        const pt_node *node = &g->nodes[d];
        size_t c = (size_t)node->c;
        pt_subtree trees[PT_MAX_SHARDS];
        void *values[PT_MAX_SHARDS], *merged;
        int n;

        if (!pt_run_has_moments(run, d)) continue;
        n = find_trees(run, step, payload, at, c, trees, values);
        merged = pt_tree_finish(run->plan->n_shards, trees, values, n, merge_moments, &c);
        pt_moments_update_running(merged, c, run->config->network->bn_momentum,
                                  run->flat + g->tensors[node->mean].offset,
                                  run->flat + g->tensors[node->var].offset);
        at += pt_moments_len(c);
    }
}
