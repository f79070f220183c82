#include "server/factor_sums.h"

#include <stdlib.h>

#include "common/run/factors.h"
#include "common/run/outer.h"

/* A tensor of which some workers send factors. */
typedef struct {
    pt_factors shape;
    bool *sends;          /* [n_workers] */
    float *values;        /* [batch][dy, x] */
    float *packed;        /* dy of the batch, for the product */
    float *edge;          /* [n_out] */
    pt_request *requests; /* [n_workers] */
    bool expected, here;  /* in this step */
} tensor_factors;

struct pt_factor_sums {
    const pt_run *run;
    pt_comm *comm;
    tensor_factors **of; /* [n_params]; NULL: of this tensor none come */
    uint64_t step;
    pt_span span; /* the whole batch of the step */
};

static bool any_factors(const pt_run *run, int rank, int tensor)
{
    bool any = false;

    for (int w = 0; w < run->n_workers && !any; w++)
        any = pt_worker_factors(run, w, rank, tensor);
    return any;
}

static size_t batch_of(const pt_run *run)
{
    return (size_t)run->plan->batch;
}

size_t pt_factor_sums_bytes(const pt_run *run, int rank)
{
    size_t floats = 0;

    for (int t = 0; t < run->graph->n_params; t++) {
        pt_factors f;

        if (!any_factors(run, rank, t)) continue;
        f = pt_factors_of(run, rank, t);
        floats += batch_of(run) * pt_factors_floats(&f) +
                  pt_outer_packed(f.n_out, batch_of(run)) + f.n_out;
    }
    return floats * sizeof(float);
}

static void destroy_tensor(tensor_factors *t)
{
    if (!t) return;
    free(t->sends);
    free(t->values);
    free(t->packed);
    free(t->edge);
    free(t->requests);
    free(t);
}

static tensor_factors *create_tensor(const pt_run *run, int rank, int tensor)
{
    tensor_factors *t = pt_calloc(1, sizeof *t);
    size_t workers = (size_t)run->n_workers, b = batch_of(run);

    if (!t) return NULL;
    t->shape = pt_factors_of(run, rank, tensor);
    t->sends = pt_calloc(workers, sizeof *t->sends);
    t->values = pt_calloc(pt_mul(b, pt_factors_floats(&t->shape)), sizeof(float));
    t->packed = pt_calloc(pt_outer_packed(t->shape.n_out, b), sizeof(float));
    t->edge = pt_calloc(t->shape.n_out, sizeof(float));
    t->requests = pt_calloc(workers, sizeof *t->requests);
    if (!t->sends || !t->values || !t->packed || !t->edge || !t->requests) {
        destroy_tensor(t);
        return NULL;
    }
    for (int w = 0; w < run->n_workers; w++)
        t->sends[w] = pt_worker_factors(run, w, rank, tensor);
    return t;
}

pt_status pt_factor_sums_create(const pt_run *run, pt_comm *comm, pt_factor_sums **out)
{
    pt_factor_sums *f = pt_calloc(1, sizeof *f);
    bool ok = f != NULL;

    *out = NULL;
    if (f) {
        *f = (pt_factor_sums){.run = run, .comm = comm};
        f->of = pt_calloc((size_t)run->graph->n_params, sizeof(tensor_factors *));
        ok = f->of != NULL;
    }
    for (int t = 0; ok && t < run->graph->n_params; t++)
        if (any_factors(run, comm->rank, t))
            ok = (f->of[t] = create_tensor(run, comm->rank, t)) != NULL;
    if (!ok) {
        pt_factor_sums_destroy(&f);
        return pt_fail(PT_ERR_NOMEM, "no memory for gradients' factors (%zu bytes)",
                       pt_factor_sums_bytes(run, comm->rank));
    }
    *out = f;
    return PT_OK;
}

void pt_factor_sums_destroy(pt_factor_sums **f)
{
    pt_factor_sums *p = f ? *f : NULL;

    if (!p) return;
    for (int t = 0; p->of && t < p->run->graph->n_params; t++) destroy_tensor(p->of[t]);
    free(p->of);
    free(p);
    *f = NULL;
}

bool pt_factor_sums_has(const pt_factor_sums *f, int tensor)
{
    return f->of[tensor] != NULL;
}

void pt_factor_sums_enter(pt_factor_sums *f, uint64_t step)
{
    f->step = step;
    f->span = pt_sender_span(f->run, &(pt_sender){0, f->run->n_workers}, step);
    for (int t = 0; t < f->run->graph->n_params; t++)
        if (f->of[t]) f->of[t]->expected = f->of[t]->here = false;
}

pt_status pt_factor_sums_expect(pt_factor_sums *f, int tensor)
{
    tensor_factors *t = f->of[tensor];
    pt_status s = PT_OK;

    if (!t || t->expected) return PT_OK;
    t->expected = true;
    for (int w = 0; w < f->run->n_workers && s == PT_OK; w++) {
        pt_span span = pt_run_span(f->run, w, f->step);
        size_t n = (size_t)pt_span_images(&span), ld = pt_factors_floats(&t->shape);

        if (!t->sends[w] || n == 0) continue;
        s = pt_comm_recv(f->comm, f->run->n_servers + w, PT_MSG_FACTORS,
                         f->run->graph->tensors[tensor].node,
                         t->values + (size_t)pt_span_first(&span) * ld,
                         n * ld * sizeof(float), &t->requests[w]);
    }
    return s;
}

pt_status pt_factor_sums_wait(pt_factor_sums *f, int tensor)
{
    tensor_factors *t = f->of[tensor];
    pt_status s;

    if (!t || t->here) return PT_OK;
    s = pt_comm_wait(f->comm, t->requests, (size_t)f->run->n_workers);
    if (s != PT_OK) return s;
    pt_outer_pack(t->shape.n_out, (size_t)pt_span_images(&f->span), t->values,
                  pt_factors_floats(&t->shape), t->packed);
    t->here = true;
    return PT_OK;
}

/* Where the values of x of a key's rows begin, in those of an image. */
static size_t column_of(const pt_factor_sums *f, int key)
{
    const pt_key *keys = f->run->keys->keys;
    int tensor = keys[key].tensor;
    size_t at = f->of[tensor]->shape.n_out, first;

    for (int k = f->run->keys->first_of_tensor[tensor]; k < key; k++)
        if (keys[k].server == f->comm->rank) at += pt_key_rows(f->run, k, &first);
    return at;
}

void pt_factor_sums_form(const pt_factor_sums *f, int key, pt_subtree tree, float *out)
{
    const pt_key *k = &f->run->keys->keys[key];
    const tensor_factors *t = f->of[k->tensor];
    size_t begin = k->offset - f->run->graph->tensors[k->tensor].offset, first;
    pt_outer o = {.span = f->span,
                  .x = t->values + column_of(f, key),
                  .ldx = pt_factors_floats(&t->shape),
                  .dy = t->packed,
                  .n_out = t->shape.n_out};
    pt_outer_tree plan;

    pt_key_rows(f->run, key, &first);
    begin -= first * o.n_out; /* from its first row on */
    pt_outer_plan(&f->span, tree, &plan);
    pt_outer_form_range(&o, &plan, begin, begin + k->count, out, t->edge);
}
