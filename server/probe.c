#include "server/probe.h"

#include <math.h>
#include <stdlib.h>

#include "common/run/tiles.h"

/* The values of all parts into buffer [parts->n][count]. */
static pt_status receive(pt_tiles *parts, pt_comm *comm, int which, float *buffer,
                         size_t count)
{
    pt_request *r = pt_calloc((size_t)parts->n, sizeof *r);
    pt_status s = r ? PT_OK : pt_fail(PT_ERR_NOMEM, "no memory for diagnostic messages");

    for (int p = 0; p < parts->n && s == PT_OK; p++) {
        parts->values[p] = parts->full[p] ? buffer + (size_t)p * count : NULL;
        if (parts->full[p])
            s = pt_comm_recv(
                comm, parts->run->n_servers + parts->senders[parts->sender[p]].first,
                PT_MSG_PROBE, which * PT_MSG_COVERS + parts->index[p], parts->values[p],
                count * sizeof *buffer, &r[p]);
    }
    if (s == PT_OK) s = pt_comm_wait(comm, r, (size_t)parts->n);
    free(r);
    return s;
}

static double norm_of(const float *x, size_t n)
{
    double square = 0;

    for (size_t i = 0; i < n; i++) square += (double)x[i] * x[i];
    return sqrt(square);
}

pt_status pt_probe_take(pt_run *run, pt_comm *comm, uint64_t step, int tensor, int which,
                        double *norm)
{
    size_t count = run->graph->tensors[tensor].count;
    float *buffer;
    void *root[PT_MAX_COVER];
    pt_tiles parts;
    pt_status s =
        pt_tiles_init_each(&parts, run, (pt_sender){.first = 0, .n = run->n_workers});

    if (s != PT_OK) return s;
    pt_tiles_enter(&parts, step);
    buffer = pt_calloc(pt_mul((size_t)parts.n, count), sizeof *buffer);
    s = buffer ? receive(&parts, comm, which, buffer, count)
               : pt_fail(PT_ERR_NOMEM, "no memory for the diagnostic gradients");
    if (s == PT_OK) {
        pt_tiles_merge(&parts, count, root);
        *norm = norm_of(root[0], count);
    }
    free(buffer);
    pt_tiles_fini(&parts);
    return s;
}
