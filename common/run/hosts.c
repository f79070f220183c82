#include "common/run/hosts.h"

pt_sender pt_run_sharing(const pt_run *r, int worker)
{
    int first = worker, end = worker + 1;

    while (first > 0 && pt_run_lends(r, r->n_servers + worker, r->n_servers + first - 1))
        first--;
    while (end < r->n_workers &&
           pt_run_lends(r, r->n_servers + worker, r->n_servers + end))
        end++;
    return (pt_sender){.first = first, .n = end - first};
}

/* Those that send to server together with worker, the first of them on its host. */
static pt_sender sender_from(const pt_run *r, int server, int worker)
{
    pt_sender s = pt_run_sharing(r, worker);

    return pt_run_lends(r, server, r->n_servers + worker)
               ? (pt_sender){.first = worker, .n = 1}
               : s;
}

int pt_run_senders(const pt_run *r, int server, pt_sender *out)
{
    int n = 0;

    for (int w = 0; w < r->n_workers; w += out[n++].n) out[n] = sender_from(r, server, w);
    return n;
}

int pt_sender_rank(const pt_run *r, const pt_sender *s, int key)
{
    return r->n_servers + s->first + key % s->n;
}

int pt_run_home(const pt_run *r, int worker, int key)
{
    int server = r->keys->keys[key].server;
    pt_sender s = sender_from(r, server, worker);

    return s.n > 1 ? pt_sender_rank(r, &s, key) : server;
}

pt_span pt_sender_span(const pt_run *r, const pt_sender *s, uint64_t step)
{
    pt_span span = pt_run_span(r, s->first, step);

    span.hi = pt_run_span(r, s->first + s->n - 1, step).hi;
    return span;
}

int pt_sender_parts(const pt_run *r, const pt_sender *s)
{
    pt_span span = pt_sender_span(r, s, 0);
    pt_subtree cover[PT_MAX_COVER];

    return pt_tree_cover(span.lo, span.hi, span.n_shards, cover);
}

int pt_run_copies(const pt_run *r, int server)
{
    int n = 0;

    for (int w = 0; w < r->n_workers;) {
        pt_sender s = sender_from(r, server, w);

        if (!pt_run_lends(r, server, r->n_servers + w)) n += pt_sender_parts(r, &s);
        w += s.n;
    }
    return n;
}
