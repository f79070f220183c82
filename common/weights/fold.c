#include "common/weights/fold.h"

#include <stdlib.h>

static pt_status subtract(const pt_table *t, const pt_table_entry *e,
                          const pt_tensor *mean, float *flat)
{
    float *bias = NULL, *to = flat + mean->offset;
    pt_status s = PT_OK;

    if (e->n_dims != 1 || e->count != mean->count)
        return pt_fail(PT_ERR_WEIGHTS,
                       "%s: %.80s has %zu values, the convolution has %zu channels",
                       t->path, e->name, e->count, mean->count);
    pt_table_check(t, e, &s);
    if (s != PT_OK) return s;
    bias = malloc(e->count * sizeof *bias);
    if (!bias) return pt_fail(PT_ERR_NOMEM, "%s: no memory", t->path);
    s = pt_table_read(t, e, bias);
    for (size_t i = 0; i < e->count && s == PT_OK; i++) to[i] -= bias[i];
    free(bias);
    return s;
}

pt_status pt_fold_conv_biases(const pt_table *t, const pt_naming *rule, const pt_graph *g,
                              float *flat)
{
    pt_status s = PT_OK;

    for (int i = 0; i < g->n_nodes && s == PT_OK; i++) {
        const pt_node *norm = &g->nodes[i];
        const pt_table_entry *e;

        if (norm->op != PT_OP_BATCH_NORM) continue;
        e = pt_names_find_bias(t, rule, g, &g->nodes[norm->in[0]]);
        if (e) s = subtract(t, e, &g->tensors[norm->mean], flat);
    }
    return s;
}
