#include "launch/support/share_memory.h"

#include "common/comm/job.h"
#include "common/comm/job_share.h"
#include "server/serve.h"
#include "worker/step.h"

pt_status pt_share_memory(pt_run *r)
{
    int rank = pt_job_rank();
    size_t bytes = rank < r->n_servers ? pt_server_lent_bytes(r)
                                       : pt_worker_lent_bytes(r, rank - r->n_servers);

    if (!r->config->server->shared_memory) return PT_OK;
    if (!r->host && pt_job_local_size() < pt_job_size()) return PT_OK;
    return pt_job_share(bytes, &r->lends);
}
