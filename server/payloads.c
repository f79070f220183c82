#include "server/payloads.h"

#include <stdlib.h>
#include <string.h>

#include "common/run/coupling.h"

pt_status pt_payloads_init(pt_payloads *p, const pt_run *run)
{
    size_t w = (size_t)run->n_workers, shards = (size_t)run->plan->n_shards;
    size_t b = (size_t)run->plan->batch;
    bool ok;

    *p = (pt_payloads){.bound = pt_payload_bound(run)};
    p->payload = pt_calloc(w, sizeof *p->payload);
    p->times = pt_calloc(w * PT_PAYLOAD_TIMES, sizeof *p->times);
    p->shards = pt_calloc(shards, sizeof *p->shards);
    p->vectors =
        pt_calloc(pt_mul(pt_payload_vector(run), shards) + 1, sizeof *p->vectors);
    p->images = pt_calloc(b, sizeof *p->images);
    p->rows = pt_calloc(pt_mul(b, pt_row_layout(run).total) + 1, sizeof *p->rows);
    p->requests = pt_calloc(w, sizeof *p->requests);
    ok = p->payload && p->times && p->shards && p->vectors && p->images && p->rows &&
         p->requests;
    for (size_t i = 0; i < w && ok; i++)
        ok = (p->payload[i] = pt_calloc(p->bound, sizeof **p->payload)) != NULL;
    return ok ? PT_OK : pt_fail(PT_ERR_NOMEM, "no memory for the workers' norms");
}

void pt_payloads_fini(pt_payloads *p, const pt_run *run)
{
    for (int w = 0; p->payload && w < run->n_workers; w++) free(p->payload[w]);
    free(p->payload);
    free(p->times);
    free(p->shards);
    free(p->vectors);
    free(p->images);
    free(p->rows);
    free(p->requests);
    *p = (pt_payloads){0};
}

size_t pt_payloads_bytes(const pt_run *run)
{
    return pt_payload_bound(run) * sizeof(double) * (size_t)run->n_workers;
}

static pt_status receive(pt_payloads *p, const pt_run *run, pt_comm *comm, uint64_t step)
{
    for (int w = 0; w < run->n_workers; w++) {
        size_t n = pt_payload_layout(run, w, step).total;
        pt_status s;

        PT_CHECK(n <= p->bound, "payload of %zu doubles", n);
        s = pt_comm_recv(comm, run->n_servers + w, PT_MSG_PAYLOAD, 0, p->payload[w],
                         n * sizeof(double), &p->requests[w]);
        if (s != PT_OK) return s;
    }
    return pt_comm_wait(comm, p->requests, (size_t)run->n_workers);
}

/* Workers own shards and images from left to right, so their parts are consecutive. */
static void join(pt_payloads *p, const pt_run *run, uint64_t step)
{
    pt_shard_sums *shards = p->shards;
    pt_image_norms *images = p->images;
    double *vectors = p->vectors, *rows = p->rows;

    for (int w = 0; w < run->n_workers; w++) {
        pt_payload at = pt_payload_layout(run, w, step);
        size_t n_vectors = at.images - at.vectors, n_rows = at.moments - at.rows;
        const double *from = p->payload[w];

        memcpy(p->times + w * PT_PAYLOAD_TIMES, from, PT_PAYLOAD_TIMES * sizeof *from);
        p->stop_asked = p->stop_asked || from[PT_PAYLOAD_STOP] != 0;
        memcpy(shards, from + at.shards, (size_t)at.n_shards * sizeof *shards);
        memcpy(vectors, from + at.vectors, n_vectors * sizeof *vectors);
        memcpy(images, from + at.images, (size_t)at.n_images * sizeof *images);
        memcpy(rows, from + at.rows, n_rows * sizeof *rows);
        shards += at.n_shards;
        vectors += n_vectors;
        images += at.n_images;
        rows += n_rows;
    }
}

pt_status pt_payloads_take(pt_payloads *p, const pt_run *run, pt_comm *comm,
                           uint64_t step)
{
    pt_status s = receive(p, run, comm, step);

    if (s == PT_OK) join(p, run, step);
    return s;
}
