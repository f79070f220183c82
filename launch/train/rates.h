/* How fast the links of a job are, measured before the first step. */
#ifndef PT_LAUNCH_TRAIN_RATES_H
#define PT_LAUNCH_TRAIN_RATES_H

#include "common/base/status.h"

/* Bytes per second. */
typedef struct {
    int n_hosts;    /* 0: not measured */
    double *hosts;  /* [n_hosts] of each host's link, one way while the other way is busy
                       too; NULL: one host */
    double copying; /* on one host: of a message from one rank to another */
    size_t bytes;   /* that the measurement sent over each link, one way */
} pt_rates;

/* Collective: one rank of each host sends to the next host and receives from the one
 * before, all at once, 16 MiB at most and for a few hundredths of a second; on one host
 * its last rank sends to rank 0. *out is filled on rank 0. */
PT_MUST_USE pt_status pt_rates_measure(pt_rates *out);
void pt_rates_fini(pt_rates *r);

#endif
