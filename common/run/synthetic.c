#include "common/run/synthetic.h"

static pt_status make_graph(const pt_config *c, pt_graph **out)
{
    pt_graph_options g = {.dropout = c->network->dropout};
    pt_status s = pt_graph_defaults(c->network->name, &g.side, &g.n_classes);

    return s == PT_OK ? pt_graph_create(c->network->name, &g, out) : s;
}

static pt_status make_plan(const pt_config *c, pt_plan **out)
{
    uint32_t n = c->data->batch, *images = pt_calloc(n, sizeof *images);

    if (!images) return pt_fail(PT_ERR_NOMEM, "no memory for the plan");
    for (uint32_t i = 0; i < n; i++) images[i] = i;
    return pt_plan_create(c, images, n, out);
}

pt_status pt_run_create_synthetic(pt_config *config, int n_servers, int n_workers,
                                  pt_run **out)
{
    pt_graph *graph = NULL;
    pt_plan *plan = NULL;
    pt_status s = make_graph(config, &graph);

    *out = NULL;
    if (s == PT_OK) s = make_plan(config, &plan);
    if (s == PT_OK) /* takes all three */
        return pt_run_create(config, graph, plan, n_servers, n_workers, out);
    pt_graph_destroy(&graph);
    pt_config_destroy(&config);
    return s;
}
