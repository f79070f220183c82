#include "launch/plan/trial.h"

#include <stdlib.h>

enum { MIN_SHARDS = 8, STEPS = 1000 };

int pt_trial_shards(int nodes)
{
    int v = MIN_SHARDS;

    while (v < nodes) v *= 2;
    return v;
}

/* Messages on the stack, packed and unpacked: the copy is checked and owns its parts. */
static pt_status make_config(const pt_trial *t, pt_config **out)
{
    Pt__Config__Config c = PT__CONFIG__CONFIG__INIT;
    Pt__Config__Data data = PT__CONFIG__DATA__INIT;
    Pt__Config__Network network = PT__CONFIG__NETWORK__INIT;
    Pt__Config__Stage stage = PT__CONFIG__STAGE__INIT, *stages[] = {&stage};
    uint8_t *bytes = NULL;
    size_t n;
    pt_status s;

    c.has_shards = data.has_batch = stage.has_steps = true;
    c.shards = (uint32_t)pt_trial_shards(t->nodes);
    data.batch = (uint32_t)(t->batch * t->nodes);
    network.name = (char *)(uintptr_t)t->network;
    stage.steps = STEPS;
    c.data = &data;
    c.network = &network;
    c.n_stages = 1;
    c.stages = stages;
    s = pt_config_pack(&c, &bytes, &n);
    if (s == PT_OK) s = pt_config_unpack(bytes, n, out);
    free(bytes);
    return s;
}

static pt_status make_graph(const pt_config *c, pt_graph **out)
{
    pt_graph_options g = {.dropout = c->network->dropout};
    pt_status s = pt_graph_defaults(c->network->name, &g.side, &g.n_classes);

    return s == PT_OK ? pt_graph_create(c->network->name, &g, out) : s;
}

/* An epoch is one batch. */
static pt_status make_plan(const pt_config *c, pt_plan **out)
{
    uint32_t *images = pt_calloc(c->data->batch, sizeof *images);

    if (!images) return pt_fail(PT_ERR_NOMEM, "no memory for the plan");
    for (uint32_t i = 0; i < c->data->batch; i++) images[i] = i;
    return pt_plan_create(c, images, c->data->batch, out);
}

/* The node of each rank. */
static int *make_hosts(const pt_trial *t)
{
    int *host = pt_calloc((size_t)t->servers + (size_t)t->nodes, sizeof *host);

    for (int s = 0; host && s < t->servers; s++) host[s] = s % t->nodes;
    for (int w = 0; host && w < t->nodes; w++) host[t->servers + w] = w;
    return host;
}

pt_status pt_trial_run_create(const pt_trial *t, pt_run **out)
{
    pt_config *c = NULL;
    pt_graph *graph = NULL;
    pt_plan *plan = NULL;
    pt_status s = make_config(t, &c);

    *out = NULL;
    if (s == PT_OK) s = make_graph(c, &graph);
    if (s == PT_OK) s = make_plan(c, &plan);
    if (s != PT_OK) {
        pt_graph_destroy(&graph);
        pt_config_destroy(&c);
        return s;
    }
    s = pt_run_create(c, graph, plan, t->servers, t->nodes, out);
    if (s != PT_OK) return s;
    (*out)->host = make_hosts(t);
    if ((*out)->host) return PT_OK;
    pt_run_destroy(out);
    return pt_fail(PT_ERR_NOMEM, "no memory for %d nodes", t->nodes);
}
