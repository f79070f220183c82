#include "common/run/synthetic.h"

#include <string.h>

#include "common/weights/weights.h"

bool pt_synthetic_of_file(const char *network)
{
    const char *dot = strrchr(network, '.');

    return dot && (strcmp(dot, ".onnx") == 0 || strcmp(dot, ".h5") == 0);
}

void pt_synthetic_configure(Pt__Config__Network *n, const char *network)
{
    char **at = pt_synthetic_of_file(network) ? &n->graph : &n->name;

    *at = (char *)(uintptr_t)network;
}

static pt_status graph_of_file(const char *path, float dropout, pt_graph **out)
{
    pt_graph *like = NULL;
    pt_status s = pt_weights_graph(path, &like);

    *out = NULL;
    if (s == PT_OK) {
        pt_graph_options g = {
            .dropout = dropout, .n_classes = like->n_classes, .like = like};

        s = pt_graph_create(like->network, &g, out);
    }
    pt_graph_destroy(&like);
    return s;
}

pt_status pt_synthetic_graph(const char *network, float dropout, pt_graph **out)
{
    pt_graph_options g = {.dropout = dropout};
    pt_status s;

    if (pt_synthetic_of_file(network)) return graph_of_file(network, dropout, out);
    *out = NULL;
    s = pt_graph_defaults(network, &g.side, &g.n_classes);
    return s == PT_OK ? pt_graph_create(network, &g, out) : s;
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
    const Pt__Config__Network *n = config->network;
    pt_status s = pt_synthetic_graph(n->graph ? n->graph : n->name, n->dropout, &graph);

    *out = NULL;
    if (s == PT_OK) s = make_plan(config, &plan);
    if (s == PT_OK) /* takes all three */
        return pt_run_create(config, graph, plan, n_servers, n_workers, out);
    pt_graph_destroy(&graph);
    pt_config_destroy(&config);
    return s;
}
