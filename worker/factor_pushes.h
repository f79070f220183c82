/* The factors that a worker sends in the place of gradients (common/run/factors.h): which
 * tensors' to which servers, copies of them while they are under way, and which rows of
 * the gradients remain for the worker to form. */
#ifndef PT_WORKER_FACTOR_PUSHES_H
#define PT_WORKER_FACTOR_PUSHES_H

#include "common/comm/comm.h"
#include "common/run/run.h"
#include "worker/engine/net/net.h"

typedef struct pt_factor_pushes pt_factor_pushes;

/* Borrows all. Tells net which rows it is to form. */
PT_MUST_USE pt_status pt_factor_pushes_create(const pt_run *run, pt_comm *comm,
                                              pt_net *net, int worker,
                                              pt_factor_pushes **out);
void pt_factor_pushes_destroy(pt_factor_pushes **p);

/* Do this tensor's keys at server go as factors? */
bool pt_factor_pushes_has(const pt_factor_pushes *p, int server, int tensor);

/* Sends what there is of tensor, for the images [n > 0] of this step: within the net's
 * gradient_ready. The copies are comm's until the wait. */
PT_MUST_USE pt_status pt_factor_pushes_send(pt_factor_pushes *p, int tensor, size_t n);

/* Looks which messages have left, so that they make progress. */
PT_MUST_USE pt_status pt_factor_pushes_poll(pt_factor_pushes *p);

/* The messages, and how many: some may be idle. */
pt_request *pt_factor_pushes_requests(pt_factor_pushes *p);
size_t pt_factor_pushes_count(const pt_factor_pushes *p);

/* Of the copies and lists of a worker. */
size_t pt_factor_pushes_bytes(const pt_run *run, int worker);

#endif
