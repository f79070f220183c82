/* A worker as the home of keys (common/run/hosts.h): merges the sums of its host's
 * workers, sends them to the key's server, and lends the others the new weights. It does
 * so while it computes and while it waits: whoever calls pt_home_poll often enough is a
 * good home. One thread uses it.
 *
 * What it merges and receives lies in the gradients of the host's nets, no copy beside
 * them. They are the home's until their workers have the key's new weights; the weights
 * stay where they arrived, in the gradients of this worker, until the next step's
 * backward pass, which begins when every worker has copied them. */
#ifndef PT_WORKER_HOME_H
#define PT_WORKER_HOME_H

#include "common/comm/comm.h"
#include "common/run/run.h"
#include "worker/engine/net/net.h"
#include "worker/spans.h"

typedef struct pt_home pt_home;

/* Borrows all. worker: 0..n_workers-1. */
PT_MUST_USE pt_status pt_home_create(const pt_run *run, pt_comm *comm, pt_net *net,
                                     pt_spans *spans, int worker, pt_home **out);
void pt_home_destroy(pt_home **h);

/* Bytes of the requests that pt_home_create allocates. */
size_t pt_home_bytes(const pt_run *run, int worker);

/* Is this worker the key's home? */
bool pt_home_has(const pt_home *h, int key);

/* The backward pass of step begins; the stage must be entered. The weights of the step
 * before are at every worker. */
PT_MUST_USE pt_status pt_home_begin(pt_home *h, uint64_t step);

/* This worker's own sums of a key are in the net. */
void pt_home_ready(pt_home *h, int key);

/* Does what can be done without waiting. *moved: something was. */
PT_MUST_USE pt_status pt_home_poll(pt_home *h, bool *moved);

/* Waits for a key's new weights; after the backward pass. *weights: [count], borrowed. */
PT_MUST_USE pt_status pt_home_wait(pt_home *h, int key, const float **weights);

#endif
