/* What `ptrain submit` is asked for, as a batch script. */
#ifndef PT_LAUNCH_SUBMIT_REQUEST_H
#define PT_LAUNCH_SUBMIT_REQUEST_H

#include "common/config/config.h"
#include "launch/submit/batch.h"

typedef struct {
    const char *file;        /* the configuration */
    const char *const *sets; /* [n_sets] "KEY=VALUE", for it */
    size_t n_sets;
    const pt_scheduler *scheduler;
    int nodes, ranks; /* ranks of a node, servers among them */
    int threads;      /* of a worker; 0: engine.threads, auto: 1 */
    const char *time, *queue, *account;
    const char *seeds; /* "1-5", "1,3,7-9": a run for each, in run.dir/seed-N; or NULL */
    const char *const *options; /* [n_options] directives of the scheduler */
    size_t n_options;
    const char *program; /* ptrain, on the nodes */
    bool mpirun;
} pt_request;

/* The script for a configuration that has been read: *script is malloc'd. PT_ERR_USAGE
 * where the layout cannot be (more workers than shards), or a directive cannot be
 * written. Local; reads no file. */
PT_MUST_USE pt_status pt_request_write(const pt_request *r, const pt_config *c,
                                       char **script);

#endif
