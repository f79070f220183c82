/* Faults of many runs, each reported once with the runs that have it. */
#ifndef PT_LAUNCH_SWEEP_FAULTS_H
#define PT_LAUNCH_SWEEP_FAULTS_H

#include <stddef.h>

#include "common/base/status.h"

typedef struct {
    pt_status status; /* the first one's */
    struct pt_sweep_fault *list;
    size_t n, capacity;
    pt_status failed; /* no memory for one of them */
} pt_sweep_faults;

/* Adds the failure s, whose pt_fail_text has one fault a line. run: who has it, borrowed
 * until the end; NULL: the table. */
void pt_sweep_faults_add(pt_sweep_faults *f, pt_status s, const char *run);

/* PT_OK without faults; else all of them as pt_fail's text: "TEXT (l2/seed-1 and 4 more
 * runs)", in the order in which they came. Frees them. */
PT_MUST_USE pt_status pt_sweep_faults_end(pt_sweep_faults *f);

#endif
