/* Bytes of a training step between places: hosts, or single ranks. The same messages as
 * pt_traffic_of_step (common/run/wire.h) counts for one worker, from both of their ends.
 * Pure. */
#ifndef PT_COMMON_RUN_TRAFFIC_H
#define PT_COMMON_RUN_TRAFFIC_H

#include "common/run/wire.h"

/* Adds to out [places] what moves in a step that makes an update (the stage must be
 * entered). place
 * [n_servers + n_workers]: that of each rank, from 0 on. Messages within a place do not
 * count. PT_ERR_NOMEM. */
PT_MUST_USE pt_status pt_traffic_of_places(const pt_run *r, uint64_t step,
                                           const int *place, pt_traffic *out);

/* Seconds that the busiest of places [n] needs for t: each sends and receives at once,
 * bytes_per_s in each direction. No step is shorter. */
double pt_traffic_seconds(const pt_traffic *t, int n, double bytes_per_s);

#endif
