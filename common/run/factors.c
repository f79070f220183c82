#include "common/run/factors.h"

#include "common/run/wire.h"

/* Floats of a row of dw. */
static size_t row_floats(const pt_run *r, int tensor)
{
    return (size_t)r->graph->nodes[r->graph->tensors[tensor].node].c;
}

size_t pt_factors_rows(const pt_run *r, int tensor)
{
    return r->graph->tensors[tensor].count / row_floats(r, tensor);
}

size_t pt_key_rows(const pt_run *r, int key, size_t *first)
{
    const pt_key *k = &r->keys->keys[key];
    size_t row = row_floats(r, k->tensor);
    size_t begin = k->offset - r->graph->tensors[k->tensor].offset;

    *first = begin / row;
    return (begin + k->count - 1) / row - *first + 1;
}

pt_factors pt_factors_of(const pt_run *r, int server, int tensor)
{
    const int *first = r->keys->first_of_tensor;
    pt_factors f = {.n_out = row_floats(r, tensor)};
    size_t row;

    for (int k = first[tensor]; k < first[tensor + 1]; k++) {
        if (r->keys->keys[k].server != server) continue;
        f.rows += pt_key_rows(r, k, &row);
        f.values += r->keys->keys[k].count;
        f.keys++;
    }
    return f;
}

static bool is_linear_weight(const pt_graph *g, int tensor)
{
    const pt_node *n = &g->nodes[g->tensors[tensor].node];

    return n->op == PT_OP_LINEAR && n->weight == tensor;
}

bool pt_sender_factors(const pt_run *r, const pt_sender *s, int server, int tensor)
{
    pt_span span = pt_sender_span(r, s, 0);
    size_t images = (size_t)pt_span_images(&span);
    pt_subtree cover[PT_MAX_COVER];
    int n_full;
    pt_factors f;

    if (r->config->server->factors != PT__CONFIG__SERVER__FACTORS__AUTO ||
        !is_linear_weight(r->graph, tensor) || images > PT_FACTORS_MAX_IMAGES ||
        pt_run_lends(r, server, r->n_servers + s->first))
        return false;
    f = pt_factors_of(r, server, tensor);
    pt_span_cover(&span, cover, &n_full);
    return images * pt_factors_floats(&f) * sizeof(float) <
           (size_t)n_full * pt_push_bytes(r, f.values);
}

int pt_factors_senders(const pt_run *r, int server, int tensor, pt_sender *out,
                       bool *by_factors)
{
    int n = 0, all = pt_run_senders(r, server, out);

    for (int i = 0; i < all; i++) {
        bool factors = pt_sender_factors(r, &out[i], server, tensor);

        if (n > 0 && factors && by_factors[n - 1]) {
            out[n - 1].n += out[i].n;
            continue;
        }
        out[n] = out[i];
        by_factors[n++] = factors;
    }
    return n;
}

bool pt_worker_factors(const pt_run *r, int worker, int server, int tensor)
{
    pt_sender s = pt_run_sharing(r, worker);

    return pt_sender_factors(r, &s, server, tensor);
}
