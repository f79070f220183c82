/* A worker's side of the wire: pushes the sums of gradients, pulls new weights, exchanges
 * batch norm sums with the other workers, sends payloads, takes step records. It gives
 * the net its hooks. One thread uses it. */
#ifndef PT_WORKER_CLIENT_H
#define PT_WORKER_CLIENT_H

#include "common/comm/comm.h"
#include "common/run/run.h"
#include "common/run/wire.h"
#include "worker/engine/net/net.h"

typedef struct pt_client pt_client;

/* Borrows all. Installs its hooks in net. worker: 0..n_workers-1. */
PT_MUST_USE pt_status pt_client_create(pt_run *run, pt_comm *comm, pt_net *net,
                                       int worker, pt_client **out);
void pt_client_destroy(pt_client **c);

/* Another net of this worker, forward only: its work items are signs of life too. */
void pt_client_poll_in(pt_client *c, pt_net *net);

/* Before the forward pass of step: gradients of the step before have left. */
PT_MUST_USE pt_status pt_client_begin_step(pt_client *c, uint64_t step);

/* Sends payload [n] doubles to rank 0 and waits for the step record. payload stays
 * comm's until the next begin_step. */
PT_MUST_USE pt_status pt_client_trade(pt_client *c, const double *payload, size_t n,
                                      Pt__Record__StepRecord *record);

/* Before the backward pass of a step whose record says that it counts, also where there
 * is nothing to compute. */
PT_MUST_USE pt_status pt_client_begin_backward(pt_client *c);

/* Takes the terms [n] doubles of this step's coupled images from rank 0; n > 0. */
PT_MUST_USE pt_status pt_client_take_terms(pt_client *c, double *terms, size_t n);

/* After the backward pass (also where there was nothing to compute): asks for the new
 * weights of every trained key. */
PT_MUST_USE pt_status pt_client_end_step(pt_client *c);

/* All new weights are here. */
PT_MUST_USE pt_status pt_client_settle(pt_client *c);

/* Takes the weights of every key, trained or not; they are here when it returns. */
PT_MUST_USE pt_status pt_client_take_weights(pt_client *c);

/* Takes the running statistics of this moment from rank 0. */
PT_MUST_USE pt_status pt_client_take_running(pt_client *c);

/* After a test of a run that may end early: takes the record that follows it. *over: the
 * run ends here, and hands on weights that are to be taken. */
PT_MUST_USE pt_status pt_client_take_verdict(pt_client *c, bool *over);

/* Takes mean and deviation of the features (run->given.feature_mean, _std) from rank 0.
 */
PT_MUST_USE pt_status pt_client_take_features(pt_client *c);

/* Takes run->given.responses from rank 0. */
PT_MUST_USE pt_status pt_client_take_responses(pt_client *c);

/* Sends rows [n] floats of block to rank 0 and waits until they have left. */
PT_MUST_USE pt_status pt_client_send_rows(pt_client *c, int block, const float *rows,
                                          size_t n);

/* Sends the sub-tree sums of a diagnostic backward pass (which: 0 or 1) to rank 0. */
PT_MUST_USE pt_status pt_client_send_probe(pt_client *c, int tensor, int which);

/* For a trace: the node that is computed next begins now. */
void pt_client_mark(pt_client *c);

/* Into times: seconds since begin_step of waiting for others, by what for, and of
 * PT_TIME_HIDDEN. The other times stay. */
void pt_client_times(const pt_client *c, double times[PT_PAYLOAD_TIMES]);

/* Seconds so far of waiting for the weights of each parameter tensor [n_params], and of
 * each server [n_servers]; borrowed. */
const double *pt_client_tensor_waits(const pt_client *c);
const double *pt_client_server_waits(const pt_client *c);

#endif
