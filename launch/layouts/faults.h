/* The faults of a data set, collected while it is read. */
#ifndef PT_LAUNCH_LAYOUTS_FAULTS_H
#define PT_LAUNCH_LAYOUTS_FAULTS_H

#include <stddef.h>

#include "common/base/status.h"

/* Collects the faults of one layout: the first 500 are lines of the text, the rest are
 * counted. Begin with {PT_OK, 0}. */
typedef struct {
    pt_status status;
    size_t n;
} pt_layout_faults;

void pt_layout_fault(pt_layout_faults *f, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
PT_MUST_USE pt_status pt_layout_faults_end(pt_layout_faults *f);

#endif
