#include "server/collect.h"

#include <stdlib.h>

pt_status pt_collect(const pt_run *run, pt_comm *comm, float *weights)
{
    const pt_keys *keys = run->keys;
    pt_request *r = run->n_servers > 1 ? pt_calloc((size_t)keys->n, sizeof *r) : NULL;
    bool first = comm->rank == 0;
    pt_status s = PT_OK;

    if (run->n_servers == 1) return PT_OK;
    if (!r) return pt_fail(PT_ERR_NOMEM, "no memory to collect %d keys", keys->n);
    for (int k = 0; k < keys->n && s == PT_OK; k++) {
        const pt_key *key = &keys->keys[k];
        float *at = weights + key->offset;
        size_t bytes = key->count * sizeof *at;

        if (first && key->server != 0)
            s = pt_comm_recv(comm, key->server, PT_MSG_COLLECT, k, at, bytes, &r[k]);
        else if (!first && key->server == comm->rank)
            s = pt_comm_send(comm, 0, PT_MSG_COLLECT, k, at, bytes, &r[k]);
    }
    if (s == PT_OK) s = pt_comm_wait(comm, r, (size_t)keys->n);
    free(r);
    return s;
}
