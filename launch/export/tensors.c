#include "launch/export/tensors.h"

#include <stdlib.h>

static pt_status no_memory(void)
{
    return pt_fail(PT_ERR_NOMEM, "no memory for the tensors to export");
}

static void choose(const pt_graph *g, const bool *needed, pt_export_tensors *t,
                   size_t *largest)
{
    for (int i = 0; i < g->n_tensors; i++) {
        const pt_tensor *one = &g->tensors[i];

        if (!needed[one->node]) continue;
        t->list[t->n++] = one;
        t->bytes += one->count * sizeof(float);
        if (one->count > *largest) *largest = one->count;
    }
}

pt_status pt_export_tensors_init(const pt_export *e, pt_export_tensors *t)
{
    const pt_graph *g = e->graph;
    bool *needed = pt_calloc((size_t)g->n_nodes, sizeof *needed);
    size_t largest = 1;

    *t = (pt_export_tensors){.export = e};
    t->list = pt_calloc((size_t)g->n_tensors + 1, sizeof *t->list);
    if (needed && t->list) {
        pt_export_needed(g, needed);
        choose(g, needed, t, &largest);
        t->scratch = pt_calloc(largest, sizeof *t->scratch);
    }
    free(needed);
    return t->scratch ? PT_OK : no_memory();
}

void pt_export_tensors_fini(pt_export_tensors *t)
{
    free(t->list);
    free(t->scratch);
}

pt_status pt_export_tensors_write(const pt_export_tensors *t, size_t i, pt_sink *k)
{
    const pt_tensor *one = t->list[i];

    pt_tensor_to_file(one, t->export->flat + one->offset, t->scratch);
    return pt_sink_write(k, t->scratch, one->count * sizeof(float));
}
