/* Where a run's numbers come from: program, machine, date, and how many jobs it took
 * (environment.json, jobs.json, result.json). */
#ifndef PT_LAUNCH_REPORT_PROVENANCE_H
#define PT_LAUNCH_REPORT_PROVENANCE_H

#include "launch/report/finished_run.h"

typedef enum {
    PT_FACT_STARTED, /* day, UTC */
    PT_FACT_PROGRAM, /* version and commit */
    PT_FACT_CPU,
    PT_FACT_KERNELS, /* which code multiplied matrices */
    PT_FACT_RANKS,
    PT_FACT_MODEL,   /* early stopping: which step's, and where the run ended */
    PT_FACT_GOODPUT, /* of a run that was resumed */
    PT_FACTS
} pt_fact;

/* Their names on a page. */
extern const char *const pt_fact_names[PT_FACTS];

/* malloc'd texts; "" where the run does not tell, as those of older versions. */
typedef struct {
    char *of[PT_FACTS];
} pt_provenance;

/* PT_ERR_NOMEM is its only failure. */
PT_MUST_USE pt_status pt_provenance_read(const pt_finished_run *r, pt_provenance *out);
void pt_provenance_fini(pt_provenance *p);

#endif
