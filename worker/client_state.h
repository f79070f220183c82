/* What the parts of the client share. Internal to it. */
#ifndef PT_WORKER_CLIENT_STATE_H
#define PT_WORKER_CLIENT_STATE_H

#include "common/comm/comm.h"
#include "common/run/wire.h"
#include "worker/engine/net/net.h"
#include "worker/exchange.h"
#include "worker/factor_pushes.h"
#include "worker/home.h"
#include "worker/spans.h"
#include "worker/turns.h"

enum { RANK_0 = 0 };

struct pt_client {
    pt_run *run;
    pt_comm *comm;
    pt_net *net;
    int worker;
    uint64_t step;
    pt_span span;
    pt_subtree cover[PT_MAX_COVER];
    int n_cover;
    pt_request *push; /* [n_keys][PT_MAX_COVER] */
    pt_request *pull; /* [n_keys] */
    int *peer; /* [n_keys]: who takes this worker's sums and gives it new weights */
    bool *due; /* [n_keys]: asked for, of keys whose home this worker is */
    pt_home *home;
    pt_turns *turns;
    pt_factor_pushes *factors;
    pt_exchange *exchange;
    pt_request payload, record;
    uint8_t record_bytes[PT_RECORD_BYTES];
    double waited[PT_PAYLOAD_TIMES]; /* of the step, by what for */
    double began, exposed; /* of comm's seconds under way: at begin_step; in waits */
    double *tensor_waits, *server_waits; /* for weights: [n_params], [n_servers] */
    pt_spans spans;
    double last_poll, last_look;
    pt_status lost; /* why a push failed in poll(), which returns nothing */
    char lost_text[512];
};

/* Waits for r [n]; the time is one of `why`. */
PT_MUST_USE pt_status pt_client_wait(struct pt_client *c, pt_step_time why, pt_request *r,
                                     size_t n);

/* Keeps a failure for where it can be returned; false: there is one. */
bool pt_client_keep(struct pt_client *c, pt_status s);

/* Has a push left? */
void pt_client_look(struct pt_client *c, pt_request *r);

/* The sums of a tensor are complete: those leave whose turn it is. */
PT_MUST_USE pt_status pt_client_push(struct pt_client *c, int tensor);

/* Pushes what can leave now. *moved = true: there was something. */
PT_MUST_USE pt_status pt_client_advance(struct pt_client *c, bool *moved);

/* Waits until all of the step have left. */
PT_MUST_USE pt_status pt_client_finish_pushes(struct pt_client *c);

#endif
