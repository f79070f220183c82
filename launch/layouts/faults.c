#include "launch/layouts/faults.h"

#include <stdarg.h>
#include <stdio.h>

enum { MAX_LISTED = 500 };

void pt_layout_fault(pt_layout_faults *f, const char *fmt, ...)
{
    char line[5120];
    va_list ap;

    if (f->n++ >= MAX_LISTED) return;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    pt_fail_more(&f->status, PT_ERR_DATA, "%s", line);
}

pt_status pt_layout_faults_end(pt_layout_faults *f)
{
    if (f->n > MAX_LISTED)
        pt_fail_more(&f->status, PT_ERR_DATA, "and %zu more faults", f->n - MAX_LISTED);
    return f->status;
}
