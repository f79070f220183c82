/* Finds out the facts of a job, on all its ranks. */
#ifndef PT_LAUNCH_DOCTOR_COLLECT_H
#define PT_LAUNCH_DOCTOR_COLLECT_H

#include "common/config/config.h"
#include "launch/doctor/facts.h"

/* c: a run's configuration; NULL: the defaults. threads, dir: in the place of its own
 * (0, NULL: its own; without a configuration 1 and the working directory). Rank 0 gets
 * *out, which points to arrays of its own; the others nothing of use. PT_ERR_NOMEM.
 * Collective, agreed. */
PT_MUST_USE pt_status pt_collect_facts(const pt_config *c, int threads, const char *dir,
                                       pt_facts *out);
void pt_collect_fini(pt_facts *f);

#endif
