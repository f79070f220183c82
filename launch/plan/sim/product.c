/* In the place of common/run/outer: what the sums of factors cost a server. */
#include "common/run/outer.h"
#include "launch/plan/sim/cost.h"

size_t pt_outer_packed(size_t n_out, size_t n)
{
    return pt_gemm_packed_floats(n, n_out);
}

void pt_outer_pack(size_t n_out, size_t n, const float *dy, size_t ld, float *packed)
{
}

void pt_outer_copy(const float *from, size_t ld_from, size_t floats, size_t n, float *to,
                   size_t ld_to)
{
}

/* As one leaf of all images. */
void pt_outer_plan(const pt_span *span, pt_subtree t, pt_outer_tree *out)
{
    out->terms[0] = pt_node_size(span, t.level, t.index);
    out->n_leaves = out->terms[0] > 0;
}

void pt_outer_form_range(const pt_outer *o, const pt_outer_tree *t, size_t begin,
                         size_t end, float *out, float *edge)
{
    pt_cost_products((double)t->terms[0] * (double)(end - begin));
}
