#include "launch/start_weights.h"

#include <stdlib.h>
#include <string.h>

/* The file's own classifier into the source head, through the graph that it was made for.
 */
static pt_status load_source_head(const Pt__Config__Network *n,
                                  const pt_graph_options *options, const pt_graph *g,
                                  float *flat)
{
    pt_graph_options o = *options;
    pt_graph *own = NULL;
    float *all = NULL;
    int from = -1;
    pt_status s;

    o.n_classes = o.n_source_classes;
    o.n_source_classes = 0;
    o.original_head = true;
    s = pt_graph_create(n->name, &o, &own);
    if (s == PT_OK) all = pt_calloc(own->n_floats, sizeof *all);
    if (s == PT_OK && !all) s = pt_fail(PT_ERR_NOMEM, "no memory for the source head");
    if (s == PT_OK)
        s = pt_weights_load(n->weights, n->weights_entry, own, true, all, NULL);
    for (int i = 0; i < g->n_params && s == PT_OK; i++) {
        if (!pt_tensor_is_source(&g->tensors[i])) continue;
        for (from++; from < own->n_params && !own->tensors[from].head;) from++;
        PT_CHECK(from < own->n_params && own->tensors[from].count == g->tensors[i].count,
                 "%s has no counterpart", g->tensors[i].name);
        memcpy(flat + g->tensors[i].offset, all + own->tensors[from].offset,
               g->tensors[i].count * sizeof *flat);
    }
    pt_graph_destroy(&own);
    free(all);
    return s;
}

/* Through a graph without the source head, whose tensors no file calls so. */
pt_status pt_start_weights_load(const Pt__Config__Network *n,
                                const pt_graph_options *options, const pt_graph *g,
                                bool own, float *flat, pt_weights_info *info)
{
    pt_graph_options o = *options;
    pt_graph *plain = NULL;
    float *all = NULL;
    pt_status s;

    if (g->source_logits < 0)
        return pt_weights_load(n->weights, n->weights_entry, g, n->keep_head, flat, info);
    o.n_source_classes = 0;
    s = pt_graph_create(n->name, &o, &plain);
    if (s == PT_OK) all = pt_calloc(plain->n_floats, sizeof *all);
    if (s == PT_OK && !all) s = pt_fail(PT_ERR_NOMEM, "no memory for the start weights");
    if (s == PT_OK)
        s = pt_weights_load(n->weights, n->weights_entry, plain, n->keep_head, all, info);
    for (int i = 0; i < g->n_tensors && s == PT_OK; i++) {
        const pt_tensor *t = &g->tensors[i];
        int from = pt_graph_find_tensor(plain, t->name);

        if (pt_tensor_is_source(t) || (t->head && !n->keep_head)) continue;
        memcpy(flat + t->offset, all + plain->tensors[from].offset,
               t->count * sizeof *flat);
    }
    pt_graph_destroy(&plain);
    free(all);
    return s == PT_OK && own ? load_source_head(n, options, g, flat) : s;
}
