/* Whom the others waited for: a table at the end of a run, and the same in result.json.
 */
#ifndef PT_LAUNCH_TRAIN_STRAGGLERS_H
#define PT_LAUNCH_TRAIN_STRAGGLERS_H

#include <jansson.h>

#include "launch/train/times.h"
#include "launch/train/waits.h"

/* Prints the workers, the one that was waited for longest first, ten at most; nothing
 * unless waiting for slower ones took a twentieth of the workers' time. host: the name of
 * a rank's host. */
void pt_stragglers_say(const pt_times *t, int n_servers, const char *(*host)(int rank));

/* An array with an object for each rank, in their order. waits: of this job, for servers.
 * NULL without memory. */
json_t *pt_stragglers_json(const pt_times *t, const pt_waits *waits,
                           const char *(*host)(int rank));

#endif
