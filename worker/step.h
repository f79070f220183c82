/* The worker: takes part in the run from its first step to its last. */
#ifndef PT_WORKER_STEP_H
#define PT_WORKER_STEP_H

#include "common/comm/comm.h"
#include "common/run/run.h"
#include "worker/engine/gemm/kernel.h"
#include "worker/engine/threads.h"
#include "worker/source.h"

typedef struct pt_worker pt_worker;

/* What a worker tests on after steps whose record says so, and at the end. */
typedef struct {
    const uint32_t *test; /* images of the test split; borrowed */
    size_t n_test;
    const uint32_t *train; /* at the end also these, NULL = not */
    size_t n_train;
    const uint32_t *validation; /* before the test split; n_validation 0: none */
    size_t n_validation;
} pt_test_sets;

/* Borrows all. worker: 0..n_workers-1; needs shards <= V for every worker.
 * PT_ERR_NOMEM with the bytes wanted. */
PT_MUST_USE pt_status pt_worker_create(pt_run *run, pt_comm *comm, int worker,
                                       pt_threads *pool, const pt_source *source,
                                       const pt_test_sets *tests, pt_worker **out);
void pt_worker_destroy(pt_worker **w);

/* Collective with the servers (pt_server_run) and the other workers: the whole run.
 * *agreed: out, true where a failure was decided by the step record, so that every rank
 * returns at the same place; other failures find the peers in the middle of a step. */
PT_MUST_USE pt_status pt_worker_run(pt_worker *w, bool *agreed);

/* Seconds so far that this worker waited for the weights of each parameter tensor
 * [n_params], and of each server [n_servers]; borrowed. */
const double *pt_worker_tensor_waits(const pt_worker *w);
const double *pt_worker_server_waits(const pt_worker *w);

/* The kernels that a configuration asks for. */
pt_kernels pt_worker_kernels(const pt_config *c);

/* Bytes of the worker's shared segment, where ranks share memory: its gradients. */
size_t pt_worker_lent_bytes(const pt_run *run, int worker);

/* Bytes that a worker of this run needs besides weights: the net's memory and the step's
 * arrays, what it lends included. */
size_t pt_worker_bytes(const pt_run *run, int worker, int threads);

#endif
