/* The tests of runs while they trained (metrics.jsonl), as lines over the epochs. */
#ifndef PT_LAUNCH_REPORT_COURSE_H
#define PT_LAUNCH_REPORT_COURSE_H

#include "launch/report/block.h"

/* Over the runs of a method: accuracy in percent after the steps at which all of them
 * were tested: mean, lowest and highest. */
typedef struct {
    size_t n;
    double *epoch, *mean, *low, *high; /* [n], one allocation at epoch */
} pt_course;

/* set: "test", "validation" ... *out is empty where there are no such tests. PT_ERR_DATA
 * as pt_lines_each. */
PT_MUST_USE pt_status pt_course_read(const pt_method_runs *m, const char *set,
                                     pt_course *out);
void pt_course_fini(pt_course *c);

#endif
