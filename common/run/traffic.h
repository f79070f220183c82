/* Bytes of a training step between places: hosts, or single ranks. The one formula: what
 * the start prints, the bound, plans, and the tests that compare it with what was
 * counted. Pure. */
#ifndef PT_COMMON_RUN_TRAFFIC_H
#define PT_COMMON_RUN_TRAFFIC_H

#include "common/run/wire.h"

typedef struct {
    uint64_t sent, received;
} pt_traffic;

/* Adds to out [places] what moves in a step that makes an update (the stage must be
 * entered): batch norm, the running statistics that the first step of a later stage
 * begins with, and the checksum of each message included; what is lent in shared memory
 * (run->lends) is not, only the message that says where it is, and what the workers of a
 * host merge (common/run/hosts.h) counts once; nor are diagnostic passes
 * (run.gradient_ratio_every). place [n_servers + n_workers]: that of each rank, from 0
 * on; NULL: each rank is one. Messages within a place do not count. PT_ERR_NOMEM. */
PT_MUST_USE pt_status pt_traffic_of_places(const pt_run *r, uint64_t step,
                                           const int *place, pt_traffic *out);

/* Seconds that the busiest of places [n] needs for t: each sends and receives at once,
 * bytes_per_s in each direction. No step is shorter. */
double pt_traffic_seconds(const pt_traffic *t, int n, double bytes_per_s);

#endif
