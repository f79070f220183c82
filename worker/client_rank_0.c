/* What a worker and rank 0 tell each other beside the step. */
#include "worker/client.h"
#include "worker/client_state.h"

static pt_status take(pt_client *c, pt_msg_kind kind, void *data, size_t bytes)
{
    pt_request r = {0};
    pt_status s = pt_comm_recv(c->comm, RANK_0, kind, 0, data, bytes, &r);

    return s == PT_OK ? pt_client_wait(c, PT_TIME_RECORD, &r, 1) : s;
}

pt_status pt_client_take_running(pt_client *c)
{
    const pt_graph *g = c->run->graph;

    pt_comm_at(c->comm, c->step, "testing");
    if (g->n_floats == g->n_param_floats) return PT_OK;
    return take(c, PT_MSG_RUNNING, c->run->flat + g->n_param_floats,
                (g->n_floats - g->n_param_floats) * sizeof(float));
}

pt_status pt_client_take_verdict(pt_client *c, bool *over)
{
    Pt__Record__StepRecord r = PT__RECORD__STEP_RECORD__INIT;
    pt_status s = take(c, PT_MSG_RECORD, c->record_bytes, PT_RECORD_BYTES);

    if (s == PT_OK) s = pt_record_unpack(c->record_bytes, &r);
    *over = r.last;
    return s;
}

pt_status pt_client_take_features(pt_client *c)
{
    size_t n = (size_t)pt_run_rep_size(c->run) * sizeof(float);
    pt_status s = take(c, PT_MSG_FEATURES, c->run->given.feature_mean, n);

    return s == PT_OK ? take(c, PT_MSG_FEATURES, c->run->given.feature_std, n) : s;
}

pt_status pt_client_take_responses(pt_client *c)
{
    return take(c, PT_MSG_FEATURES, c->run->given.responses,
                pt_run_response_floats(c->run) * sizeof(float));
}

pt_status pt_client_take_terms(pt_client *c, double *terms, size_t n)
{
    return take(c, PT_MSG_TERMS, terms, n * sizeof *terms);
}

static pt_status send_now(pt_client *c, pt_msg_kind kind, int index, const float *data,
                          size_t n)
{
    pt_request r = {0};
    pt_status s = pt_comm_send(c->comm, RANK_0, kind, index, data, n * sizeof *data, &r);

    return s == PT_OK ? pt_client_wait(c, PT_TIME_RECORD, &r, 1) : s;
}

pt_status pt_client_send_rows(pt_client *c, int block, const float *rows, size_t n)
{
    return send_now(c, PT_MSG_ROWS, block, rows, n);
}

pt_status pt_client_send_probe(pt_client *c, int tensor, int which)
{
    size_t count = c->run->graph->tensors[tensor].count;

    for (int i = 0; i < c->n_cover; i++) {
        pt_status s;

        if (pt_node_size(&c->span, c->cover[i].level, c->cover[i].index) == 0) continue;
        s = send_now(c, PT_MSG_PROBE, which * PT_MSG_COVERS + i,
                     pt_net_gradient(c->net, tensor, i), count);
        if (s != PT_OK) return s;
    }
    return PT_OK;
}
