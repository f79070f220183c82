/* Steps that make no update, because a number is not finite (run.nonfinite): how many,
 * and why. Pure. */
#ifndef PT_SERVER_SKIPS_H
#define PT_SERVER_SKIPS_H

#include <stdint.h>

#include "common/base/status.h"
#include "common/config/config.h"

typedef struct {
    uint32_t total, in_a_row;
    char why[256]; /* this step is skipped; "": it is not */
} pt_skips;

/* Counts one skipped step; PT_ERR_NUMERIC with why if run.nonfinite does not allow it, or
 * run.max_skips no more. */
PT_MUST_USE pt_status pt_skips_add(pt_skips *s, const Pt__Config__Run *c,
                                   const char *why);

#endif
