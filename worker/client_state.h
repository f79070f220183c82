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
    bool *pushed;     /* [n_params]: gradient has gone, new weights not asked for */
    int *peer; /* [n_keys]: who takes this worker's sums and gives it new weights */
    bool *due; /* [n_keys]: asked for, of keys whose home this worker is */
    pt_home *home;
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

#endif
