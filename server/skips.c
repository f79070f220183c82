#include "server/skips.h"

#include <stdio.h>

pt_status pt_skips_add(pt_skips *s, const Pt__Config__Run *c, const char *why)
{
    if (c->nonfinite == PT__CONFIG__NON_FINITE__STOP)
        return pt_fail(PT_ERR_NUMERIC, "%s", why);
    if (s->in_a_row == c->max_skips)
        return pt_fail(PT_ERR_NUMERIC, "%s; run.max_skips allows %u in a row", why,
                       c->max_skips);
    s->total++;
    s->in_a_row++;
    snprintf(s->why, sizeof s->why, "%s", why);
    return PT_OK;
}
