#include "worker/factor_pushes.h"

#include <stdlib.h>

#include "common/run/factors.h"
#include "common/run/outer.h"

/* A message: one tensor's factors for one server. */
typedef struct {
    int server, tensor;
    pt_factors shape;
    float *values; /* [images][dy, x] */
} message;

struct pt_factor_pushes {
    const pt_run *run;
    pt_comm *comm;
    pt_net *net;
    message *messages;    /* [n], of rising tensors */
    pt_request *requests; /* [n] */
    int n;
    bool **rows; /* [n_params]: those that the net forms; NULL: all */
};

static size_t max_images(const pt_run *run, int worker)
{
    pt_span span = pt_run_span(run, worker, 0);

    /* A shorter batch may give it one image more than its share of a full one. */
    return (size_t)pt_span_images(&span) + 1;
}

/* The messages of a worker into out; NULL: only counts them. */
static int list(const pt_run *run, int worker, message *out)
{
    int n = 0;

    for (int t = 0; t < run->graph->n_params; t++)
        for (int s = 0; s < run->n_servers; s++) {
            if (!pt_worker_factors(run, worker, s, t)) continue;
            if (out) out[n] = (message){s, t, pt_factors_of(run, s, t), NULL};
            n++;
        }
    return n;
}

size_t pt_factor_pushes_bytes(const pt_run *run, int worker)
{
    size_t floats = 0;

    for (int t = 0; t < run->graph->n_params; t++)
        for (int s = 0; s < run->n_servers; s++) {
            pt_factors f;

            if (!pt_worker_factors(run, worker, s, t)) continue;
            f = pt_factors_of(run, s, t);
            floats += pt_factors_floats(&f);
        }
    return floats * max_images(run, worker) * sizeof(float);
}

/* Tells the net which rows of tensor's gradient somebody takes as sums. */
static pt_status want_rows(pt_factor_pushes *p, int tensor)
{
    const pt_keys *keys = p->run->keys;
    bool *rows = pt_calloc(pt_factors_rows(p->run, tensor), sizeof *rows);

    p->rows[tensor] = rows;
    if (!rows) return pt_fail(PT_ERR_NOMEM, "no memory for a list of rows");
    for (int k = keys->first_of_tensor[tensor]; k < keys->first_of_tensor[tensor + 1];
         k++) {
        size_t first, n = pt_key_rows(p->run, k, &first);

        if (pt_factor_pushes_has(p, keys->keys[k].server, tensor)) continue;
        for (size_t i = 0; i < n; i++) rows[first + i] = true;
    }
    pt_net_want_rows(p->net, tensor, rows);
    return PT_OK;
}

static pt_status make_messages(pt_factor_pushes *p, size_t images)
{
    for (int i = 0; i < p->n; i++) {
        message *m = &p->messages[i];

        m->values =
            pt_calloc(pt_mul(images, pt_factors_floats(&m->shape)), sizeof(float));
        if (!m->values) return pt_fail(PT_ERR_NOMEM, "no memory for gradients' factors");
        if (!p->rows[m->tensor]) {
            pt_status s = want_rows(p, m->tensor);

            if (s != PT_OK) return s;
        }
    }
    return PT_OK;
}

pt_status pt_factor_pushes_create(const pt_run *run, pt_comm *comm, pt_net *net,
                                  int worker, pt_factor_pushes **out)
{
    pt_factor_pushes *p = pt_calloc(1, sizeof *p);
    pt_status s = PT_OK;

    *out = NULL;
    if (p) {
        *p = (pt_factor_pushes){
            .run = run, .comm = comm, .net = net, .n = list(run, worker, NULL)};
        p->messages = pt_calloc((size_t)p->n + 1, sizeof *p->messages);
        p->requests = pt_calloc((size_t)p->n + 1, sizeof *p->requests);
        p->rows = pt_calloc((size_t)run->graph->n_params, sizeof *p->rows);
    }
    if (!p || !p->messages || !p->requests || !p->rows)
        s = pt_fail(PT_ERR_NOMEM, "no memory for gradients' factors");
    if (s == PT_OK) {
        list(run, worker, p->messages);
        s = make_messages(p, max_images(run, worker));
    }
    if (s == PT_OK)
        *out = p;
    else
        pt_factor_pushes_destroy(&p);
    return s;
}

void pt_factor_pushes_destroy(pt_factor_pushes **p)
{
    pt_factor_pushes *f = p ? *p : NULL;

    if (!f) return;
    for (int i = 0; f->messages && i < f->n; i++) free(f->messages[i].values);
    for (int t = 0; f->rows && t < f->run->graph->n_params; t++) free(f->rows[t]);
    free(f->messages);
    free(f->requests);
    free(f->rows);
    free(f);
    *p = NULL;
}

bool pt_factor_pushes_has(const pt_factor_pushes *p, int server, int tensor)
{
    for (int i = 0; i < p->n; i++)
        if (p->messages[i].server == server && p->messages[i].tensor == tensor)
            return true;
    return false;
}

/* Copies the factors of n images for a message. */
static void fill(const pt_factor_pushes *p, message *m, size_t n)
{
    const pt_keys *keys = p->run->keys;
    size_t in = pt_factors_rows(p->run, m->tensor), ld = pt_factors_floats(&m->shape);
    const float *x, *dy;
    float *to = m->values + m->shape.n_out;

    pt_net_factors(p->net, m->tensor, &x, &dy);
    pt_outer_copy(dy, m->shape.n_out, m->shape.n_out, n, m->values, ld);
    for (int k = keys->first_of_tensor[m->tensor];
         k < keys->first_of_tensor[m->tensor + 1]; k++) {
        size_t first, rows = pt_key_rows(p->run, k, &first);

        if (keys->keys[k].server != m->server) continue;
        pt_outer_copy(x + first, in, rows, n, to, ld);
        to += rows;
    }
}

pt_status pt_factor_pushes_send(pt_factor_pushes *p, int tensor, size_t n)
{
    pt_status s = PT_OK;

    for (int i = 0; i < p->n && s == PT_OK; i++) {
        message *m = &p->messages[i];
        size_t floats = n * pt_factors_floats(&m->shape);

        if (m->tensor != tensor) continue;
        fill(p, m, n);
        s = pt_comm_send(p->comm, m->server, PT_MSG_FACTORS,
                         p->run->graph->tensors[tensor].node, m->values,
                         floats * sizeof(float), &p->requests[i]);
    }
    return s == PT_OK ? pt_factor_pushes_poll(p) : s; /* small messages have left */
}

pt_status pt_factor_pushes_poll(pt_factor_pushes *p)
{
    bool done = true;
    pt_status s = PT_OK;

    for (int i = p->n - 1; i >= 0 && done && s == PT_OK; i--)
        s = pt_comm_test(p->comm, &p->requests[i], &done);
    return s;
}

pt_request *pt_factor_pushes_requests(pt_factor_pushes *p)
{
    return p->requests;
}

size_t pt_factor_pushes_count(const pt_factor_pushes *p)
{
    return (size_t)p->n;
}
