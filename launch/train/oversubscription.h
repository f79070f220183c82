/* Warns if a host has more computing threads than cores. */
#ifndef PT_LAUNCH_TRAIN_OVERSUBSCRIPTION_H
#define PT_LAUNCH_TRAIN_OVERSUBSCRIPTION_H

#include "common/run/run.h"

/* Collective: rank 0 warns once, of the first host whose workers have more threads than
 * the cores that its ranks may use together. Servers do not count: they sleep. */
PT_MUST_USE pt_status pt_oversubscription_warn(const pt_run *run);

#endif
