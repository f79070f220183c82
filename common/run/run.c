#include "common/run/run.h"

#include <stdlib.h>
#include <string.h>

#include "common/comm/message.h"

void pt_run_destroy(pt_run **r)
{
    pt_run *p = r ? *r : NULL;

    if (!p) return;
    pt_config_destroy(&p->config);
    pt_keys_destroy(&p->keys);
    pt_plan_destroy(&p->plan);
    pt_graph_destroy(&p->graph);
    free(p->flat);
    free(p->trained);
    free(p->wanted);
    free(p->feature_mean);
    free(p->feature_std);
    free(p->start);
    free(p->labels);
    free(p->responses);
    free(p->delta_nodes);
    free(p->attention);
    free(p);
    *r = NULL;
}

static void mark_trained(pt_run *r)
{
    const pt_config *c = r->config;
    char *const *frozen = c->n_stages ? c->stages[r->stage]->frozen : NULL;
    size_t n_frozen = c->n_stages ? c->stages[r->stage]->n_frozen : 0;

    for (int i = 0; i < r->graph->n_params; i++)
        r->trained[i] = !pt_tensor_frozen(&r->graph->tensors[i], frozen, n_frozen);
    for (int i = 0; i < r->graph->n_nodes; i++) {
        const pt_node *n = &r->graph->nodes[i];

        r->wanted[i] = (n->weight >= 0 && r->trained[n->weight]) ||
                       (n->bias >= 0 && r->trained[n->bias]);
        for (int k = 0; k < 2; k++)
            r->wanted[i] = r->wanted[i] || (n->in[k] >= 0 && r->wanted[n->in[k]]);
    }
}

static pt_status find_delta_nodes(pt_run *r)
{
    const Pt__Config__FeatureMaps *c = r->config->regularizers->delta;

    if (c->weight == 0) return PT_OK;
    return pt_delta_find(r->graph, "regularizers.delta.nodes", c->nodes, c->n_nodes,
                         &r->delta_nodes, &r->n_delta);
}

/* Keys and nodes are told apart by message tags, and there are only so many. */
static pt_status check_tags(const pt_run *r)
{
    if (r->keys->n > PT_MSG_MAX_KEYS)
        return pt_fail(PT_ERR_CONFIG,
                       "the network's parameters are %d keys (of at most %d floats), "
                       "messages tell %d apart",
                       r->keys->n, PT_KEY_MAX_FLOATS, PT_MSG_MAX_KEYS);
    if (r->graph->n_nodes > PT_MSG_MAX_NODES)
        return pt_fail(PT_ERR_CONFIG, "the network has %d layers, messages tell %d apart",
                       r->graph->n_nodes, PT_MSG_MAX_NODES);
    return PT_OK;
}

pt_status pt_run_create(pt_config *config, pt_graph *graph, pt_plan *plan, int n_servers,
                        int n_workers, pt_run **out)
{
    pt_run *r = pt_calloc(1, sizeof *r);
    pt_status s = PT_OK;

    *out = NULL;
    if (!r) {
        pt_config_destroy(&config);
        pt_graph_destroy(&graph);
        pt_plan_destroy(&plan);
        return pt_fail(PT_ERR_NOMEM, "no memory for the run");
    }
    r->config = config;
    r->graph = graph;
    r->plan = plan;
    r->n_servers = n_servers;
    r->n_workers = n_workers;
    r->flat = pt_calloc(graph->n_floats, sizeof *r->flat);
    r->trained = pt_calloc((size_t)graph->n_params, sizeof *r->trained);
    r->wanted = pt_calloc((size_t)graph->n_nodes, sizeof *r->wanted);
    if (!r->flat || !r->trained || !r->wanted)
        s = pt_fail(PT_ERR_NOMEM, "no memory for %zu weights", graph->n_floats);
    if (s == PT_OK) s = pt_keys_create(graph, n_servers, &r->keys);
    if (s == PT_OK) s = check_tags(r);
    if (s == PT_OK) s = find_delta_nodes(r);
    if (s == PT_OK) {
        mark_trained(r);
        *out = r;
        r = NULL;
    }
    pt_run_destroy(&r);
    return s;
}

bool pt_run_wants_features(const pt_run *r)
{
    return r->feature_mean || r->config->regularizers->adarand->weight > 0;
}

size_t pt_run_response_floats(const pt_run *r)
{
    const pt_graph *g = r->graph;

    bool images = r->config->regularizers->lwf->weight > 0;
    bool classes = r->config->regularizers->co_tuning->weight > 0;

    if (g->source_logits < 0 || (!images && !classes)) return 0;
    return pt_mul(images ? r->plan->n_images : (size_t)g->n_classes,
                  (size_t)g->nodes[g->source_logits].c);
}

bool pt_run_wants_start(const pt_run *r)
{
    const Pt__Config__StartingPoint *c = r->config->regularizers->l2_sp;

    return c->alpha > 0 || c->beta > 0 || r->config->regularizers->delta->weight > 0;
}

pt_status pt_run_keep_start(pt_run *r)
{
    size_t n = r->graph->n_floats;

    if (!pt_run_wants_start(r)) return PT_OK;
    r->start = pt_calloc(n, sizeof *r->start);
    if (!r->start) return pt_fail(PT_ERR_NOMEM, "no memory for the start weights");
    memcpy(r->start, r->flat, n * sizeof *r->start);
    return PT_OK;
}

bool pt_run_enter_step(pt_run *r, uint64_t step)
{
    size_t stage = pt_plan_stage_of(r->plan, step);

    if (stage != r->stage) {
        r->stage = stage;
        mark_trained(r);
    }
    return r->plan->stages[stage].first == step || r->first_step == step;
}

bool pt_run_sends_running(const pt_run *r, uint64_t step)
{
    if (step == r->first_step) return false;
    return r->config->network->stoch_norm < 1 || r->plan->stages[r->stage].first == step;
}

pt_span pt_run_span(const pt_run *r, int worker, uint64_t step)
{
    int lo, hi;

    pt_worker_shards(worker, r->n_workers, r->plan->n_shards, &lo, &hi);
    return pt_plan_span(r->plan, step, lo, hi);
}

bool pt_run_has_moments(const pt_run *r, int node)
{
    const pt_node *n = &r->graph->nodes[node];

    return n->op == PT_OP_BATCH_NORM &&
           r->config->network->batch_norm != PT__CONFIG__BATCH_NORM__FROZEN &&
           r->trained[n->weight];
}

pt_delta_maps pt_run_maps(const pt_run *r)
{
    return (pt_delta_maps){r->graph, r->delta_nodes, r->n_delta};
}

int pt_run_rep_size(const pt_run *r)
{
    const pt_node *n = &r->graph->nodes[r->graph->rep];

    return n->h * n->w * n->c;
}

int pt_run_last_trunk_tensor(const pt_run *r)
{
    for (int i = r->graph->n_params - 1; i >= 0; i--)
        if (!r->graph->tensors[i].head && r->graph->tensors[i].n_dims > 1 &&
            !pt_tensor_is_source(&r->graph->tensors[i]))
            return i;
    return -1;
}
