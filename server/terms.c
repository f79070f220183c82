#include "server/terms.h"

#include <stdlib.h>

struct pt_terms_out {
    const pt_run *run;
    pt_comm *comm;
    pt_server_methods *methods;
    double **terms;   /* [n_workers] being sent */
    pt_request *sent; /* [n_workers] */
};

pt_status pt_terms_out_create(const pt_run *run, pt_comm *comm,
                              pt_server_methods *methods, pt_terms_out **out)
{
    size_t w = (size_t)run->n_workers, n = pt_terms_doubles(run, run->plan->batch);
    pt_terms_out *t;
    bool ok;

    *out = NULL;
    if (pt_row_layout(run).total == 0) return PT_OK;
    t = pt_calloc(1, sizeof *t);
    if (t) {
        *t = (pt_terms_out){.run = run, .comm = comm, .methods = methods};
        t->terms = pt_calloc(w, sizeof *t->terms);
        t->sent = pt_calloc(w, sizeof *t->sent);
    }
    ok = t && t->terms && t->sent;
    for (size_t i = 0; i < w && ok; i++)
        ok = (t->terms[i] = pt_calloc(n, sizeof **t->terms)) != NULL;
    if (!ok) {
        pt_terms_out_destroy(&t);
        return pt_fail(PT_ERR_NOMEM, "no memory for the terms of coupled images");
    }
    *out = t;
    return PT_OK;
}

void pt_terms_out_destroy(pt_terms_out **t)
{
    pt_terms_out *p = t ? *t : NULL;

    if (!p) return;
    for (int w = 0; p->terms && w < p->run->n_workers; w++) free(p->terms[w]);
    free(p->terms);
    free(p->sent);
    free(p);
    *t = NULL;
}

pt_status pt_terms_out_settle(pt_terms_out *t)
{
    return t ? pt_comm_wait(t->comm, t->sent, (size_t)t->run->n_workers) : PT_OK;
}

pt_status pt_terms_out_send(pt_terms_out *t, uint64_t step, const double *rows,
                            double *penalty)
{
    const pt_run *r = t->run;
    pt_status s = pt_server_methods_take(t->methods, step, rows,
                                         pt_plan_batch_size(r->plan, step), penalty);

    if (s == PT_OK) s = pt_terms_out_settle(t);
    for (int w = 0; w < r->n_workers && s == PT_OK; w++) {
        pt_span span = pt_run_span(r, w, step);
        int n = pt_span_images(&span);

        if (n == 0) continue;
        pt_server_methods_terms(t->methods, pt_span_first(&span), n, t->terms[w]);
        s = pt_comm_send(t->comm, r->n_servers + w, PT_MSG_TERMS, 0, t->terms[w],
                         pt_terms_doubles(r, n) * sizeof(double), &t->sent[w]);
    }
    return s;
}
