#include "server/workers.h"

#include <stdlib.h>

#include "common/run/wire.h"

pt_status pt_workers_init(pt_workers *w, const pt_run *run, pt_comm *comm)
{
    *w = (pt_workers){.run = run, .comm = comm};
    w->requests = pt_calloc((size_t)run->n_workers, sizeof *w->requests);
    return w->requests ? PT_OK : pt_fail(PT_ERR_NOMEM, "no memory for the server");
}

void pt_workers_fini(pt_workers *w)
{
    free(w->requests);
    w->requests = NULL;
}

pt_status pt_workers_send(pt_workers *w, pt_msg_kind kind, const float *data, size_t n)
{
    int workers = w->run->n_workers;
    pt_status s = pt_comm_send_all(w->comm, w->run->n_servers, workers, kind, 0, data,
                                   n * sizeof *data, w->requests);

    return s == PT_OK ? pt_comm_wait(w->comm, w->requests, (size_t)workers) : s;
}

pt_status pt_workers_send_running(pt_workers *w)
{
    const pt_graph *g = w->run->graph;
    size_t first = g->n_param_floats, n = g->n_floats - first;

    return n > 0 ? pt_workers_send(w, PT_MSG_RUNNING, w->run->flat + first, n) : PT_OK;
}

pt_status pt_workers_take_rows(pt_workers *w, size_t n, size_t dims, float **rows)
{
    size_t blocks = (n + PT_EVAL_BLOCK - 1) / PT_EVAL_BLOCK;
    pt_request *r = pt_calloc(blocks, sizeof *r);
    pt_status s = PT_OK;

    *rows = pt_calloc(pt_mul(n, dims), sizeof **rows);
    if (!r || !*rows)
        s = pt_fail(PT_ERR_NOMEM, "no memory for the outputs of %zu images", n);
    for (size_t b = 0; b < blocks && s == PT_OK; b++) {
        size_t first = b * PT_EVAL_BLOCK;
        size_t some = n - first < PT_EVAL_BLOCK ? n - first : PT_EVAL_BLOCK;
        int peer = w->run->n_servers + (int)(b % (size_t)w->run->n_workers);

        s = pt_comm_recv(w->comm, peer, PT_MSG_ROWS, (int)b, *rows + first * dims,
                         some * dims * sizeof **rows, &r[b]);
    }
    if (s == PT_OK) s = pt_comm_wait(w->comm, r, blocks);
    free(r);
    if (s != PT_OK) {
        free(*rows);
        *rows = NULL;
    }
    return s;
}
