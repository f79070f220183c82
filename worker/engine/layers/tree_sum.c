#include "worker/engine/layers/tree_sum.h"

#include "common/base/bf16.h"
#include "common/base/simd.h"

PT_CLONES static void add(float *restrict out, const float *restrict right, size_t n)
{
    for (size_t i = 0; i < n; i++) out[i] += right[i];
}

int pt_tree_levels(int n_shards)
{
    int levels = 0;

    while ((1 << levels) < n_shards) levels++;
    return levels;
}

void pt_tree_sum(const pt_span *span, pt_subtree tree, size_t n, pt_leaf leaf,
                 void *context, float *out, float *tmp)
{
    if (tree.level == 0) {
        leaf(context, tree.index, out);
        if (span->bf16) pt_bf16_round(out, n);
        return;
    }
    pt_subtree left = {tree.level - 1, 2 * tree.index};
    pt_subtree right = {tree.level - 1, 2 * tree.index + 1};
    bool has_left = pt_node_size(span, left.level, left.index) > 0;
    bool has_right = pt_node_size(span, right.level, right.index) > 0;

    if (!has_left || !has_right) {
        pt_tree_sum(span, has_left ? left : right, n, leaf, context, out, tmp);
        return;
    }
    pt_tree_sum(span, left, n, leaf, context, out, tmp + n);
    pt_tree_sum(span, right, n, leaf, context, tmp, tmp + n);
    if (span->bf16)
        pt_bf16_add(out, tmp, n);
    else
        add(out, tmp, n);
}
