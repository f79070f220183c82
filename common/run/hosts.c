#include "common/run/hosts.h"

int pt_run_senders(const pt_run *r, int server, pt_sender *out)
{
    for (int w = 0; w < r->n_workers; w++) out[w] = (pt_sender){.first = w, .n = 1};
    return r->n_workers;
}

int pt_sender_rank(const pt_run *r, const pt_sender *s, int key)
{
    return r->n_servers + s->first;
}

pt_span pt_sender_span(const pt_run *r, const pt_sender *s, uint64_t step)
{
    pt_span span = pt_run_span(r, s->first, step);

    span.hi = pt_run_span(r, s->first + s->n - 1, step).hi;
    return span;
}
