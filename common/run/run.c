#include "common/run/run.h"

#include <stdlib.h>
#include <string.h>

#include "common/comm/message.h"
#include "common/run/method.h"
#include "common/run/trace.h"

void pt_run_destroy(pt_run **r)
{
    pt_run *p = r ? *r : NULL;

    if (!p) return;
    pt_config_destroy(&p->config);
    pt_keys_destroy(&p->keys);
    pt_plan_destroy(&p->plan);
    pt_graph_destroy(&p->graph);
    free(p->host);
    if (!p->flat_lent) free(p->flat);
    pt_trace_destroy(&p->trace);
    free(p->trained);
    free(p->wanted);
    free(p->given.start);
    free(p->given.labels);
    free(p->given.feature_mean);
    free(p->given.feature_std);
    free(p->given.responses);
    free(p->given.maps);
    free(p->given.attention);
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

static pt_status make_given(pt_run *r)
{
    size_t dims = (size_t)pt_run_rep_size(r), responses = pt_run_response_floats(r);
    pt_given *g = &r->given;
    bool ok = true;

    if (r->asks & PT_ASKS_START)
        ok = (g->start = pt_calloc(r->graph->n_floats, sizeof *g->start)) && ok;
    if (r->asks & PT_ASKS_LABELS)
        ok = (g->labels = pt_calloc(r->plan->n_images, sizeof *g->labels)) && ok;
    if (r->asks & PT_ASKS_MOMENTS) {
        ok = (g->feature_mean = pt_calloc(dims, sizeof *g->feature_mean)) && ok;
        ok = (g->feature_std = pt_calloc(dims, sizeof *g->feature_std)) && ok;
    }
    if (responses > 0)
        ok = (g->responses = pt_calloc(responses, sizeof *g->responses)) && ok;
    return ok ? PT_OK : pt_fail(PT_ERR_NOMEM, "no memory for what methods start from");
}

size_t pt_run_bytes(const pt_run *r)
{
    size_t floats = r->graph->n_floats + pt_run_response_floats(r);

    if (r->asks & PT_ASKS_START) floats += r->graph->n_floats;
    if (r->asks & PT_ASKS_MOMENTS) floats += 2 * (size_t)pt_run_rep_size(r);
    return floats * sizeof(float) +
           (r->asks & PT_ASKS_LABELS ? r->plan->n_images * sizeof *r->given.labels : 0);
}

static pt_status create_methods(pt_run *r)
{
    pt_status s = PT_OK;

    for (int m = 0; m < PT_N_METHODS && s == PT_OK; m++)
        if (pt_run_methods[m] && pt_methods[m].is_on(r->config))
            s = pt_run_methods[m]->create(r);
    return s;
}

/* Message tags distinguish keys and nodes, and their number is limited. */
static pt_status check_tags(const pt_run *r)
{
    if (r->keys->n > PT_MSG_MAX_KEYS)
        return pt_fail(PT_ERR_CONFIG,
                       "the network's parameters are %d keys (of at most %d floats), but "
                       "messages distinguish only %d",
                       r->keys->n, PT_KEY_MAX_FLOATS, PT_MSG_MAX_KEYS);
    if (r->graph->n_nodes > PT_MSG_MAX_NODES)
        return pt_fail(PT_ERR_CONFIG,
                       "the network has %d layers, but messages distinguish only %d",
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
    r->asks = pt_methods_ask(config);
    r->flat = pt_calloc(graph->n_floats, sizeof *r->flat);
    r->trained = pt_calloc((size_t)graph->n_params, sizeof *r->trained);
    r->wanted = pt_calloc((size_t)graph->n_nodes, sizeof *r->wanted);
    if (!r->flat || !r->trained || !r->wanted)
        s = pt_fail(PT_ERR_NOMEM, "no memory for %zu weights", graph->n_floats);
    if (s == PT_OK) s = pt_keys_create(graph, n_servers, &r->keys);
    if (s == PT_OK) s = check_tags(r);
    if (s == PT_OK) s = make_given(r);
    if (s == PT_OK) s = create_methods(r);
    if (s == PT_OK) {
        mark_trained(r);
        *out = r;
        r = NULL;
    }
    pt_run_destroy(&r);
    return s;
}

bool pt_run_holds(const pt_run *r)
{
    return r->config->run->nonfinite == PT__CONFIG__NON_FINITE__SKIP_ALL ||
           r->config->optimizer->clip_norm > 0;
}

bool pt_run_may_end_early(const pt_run *r)
{
    return r->config->early_stopping->patience > 0;
}

size_t pt_run_vote_doubles(const pt_run *r, int server)
{
    size_t n = 1;

    for (int k = 0; k < r->keys->n && r->config->optimizer->clip_norm > 0; k++)
        n += r->keys->keys[k].server == server;
    return n;
}

bool pt_run_lends(const pt_run *r, int rank, int other)
{
    return r->lends && rank != other && (!r->host || r->host[rank] == r->host[other]);
}

void pt_run_move_flat(pt_run *r, float *memory)
{
    if (!memory) return;
    memcpy(memory, r->flat, r->graph->n_floats * sizeof *memory);
    if (!r->flat_lent) free(r->flat);
    r->flat = memory;
    r->flat_lent = true;
}

size_t pt_run_response_floats(const pt_run *r)
{
    bool images = r->asks & PT_ASKS_ANSWERS;

    if (!(r->asks & (PT_ASKS_ANSWERS | PT_ASKS_RELATION))) return 0;
    return pt_mul(images ? r->plan->n_images : (size_t)r->graph->n_classes,
                  (size_t)pt_graph_source_classes(r->graph));
}

void pt_run_keep_start(pt_run *r)
{
    if (r->given.start)
        memcpy(r->given.start, r->flat, r->graph->n_floats * sizeof *r->flat);
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
    return (r->asks & PT_ASKS_RUNNING) || r->plan->stages[r->stage].first == step;
}

pt_span pt_run_span(const pt_run *r, int worker, uint64_t step)
{
    int lo, hi;
    pt_span span;

    pt_worker_shards(worker, r->n_workers, r->plan->n_shards, &lo, &hi);
    span = pt_plan_span(r->plan, step, lo, hi);
    span.bf16 = pt_run_wire_bf16(r);
    return span;
}

bool pt_run_wire_bf16(const pt_run *r)
{
    return r->config->server->wire == PT__CONFIG__SERVER__WIRE__BF16;
}

void pt_run_members(const pt_run *r, uint64_t step, pt_members *m)
{
    pt_members_init(m, r->n_workers, r->plan->n_shards, pt_run_span(r, 0, step).b,
                    r->host ? r->host + r->n_servers : NULL);
}

bool pt_run_has_moments(const pt_run *r, int node)
{
    const pt_node *n = &r->graph->nodes[node];

    return n->op == PT_OP_BATCH_NORM &&
           r->config->network->batch_norm != PT__CONFIG__BATCH_NORM__FROZEN &&
           r->trained[n->weight];
}

int pt_run_rep_size(const pt_run *r)
{
    return (int)pt_node_floats(&r->graph->nodes[r->graph->rep]);
}

int pt_run_last_trunk_tensor(const pt_run *r)
{
    for (int i = r->graph->n_params - 1; i >= 0; i--)
        if (!r->graph->tensors[i].head && r->graph->tensors[i].n_dims > 1 &&
            !pt_tensor_is_source(&r->graph->tensors[i]))
            return i;
    return -1;
}
