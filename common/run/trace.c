#include "common/run/trace.h"

#include <stdlib.h>

pt_status pt_trace_create(size_t capacity, pt_trace **out)
{
    pt_trace *t = pt_calloc(1, sizeof *t);

    *out = NULL;
    if (t) t->spans = pt_calloc(capacity, sizeof *t->spans);
    if (!t || !t->spans) {
        pt_trace_destroy(&t);
        return pt_fail(PT_ERR_NOMEM, "no memory for a trace of %zu spans", capacity);
    }
    t->capacity = capacity;
    *out = t;
    return PT_OK;
}

void pt_trace_destroy(pt_trace **t)
{
    if (!t || !*t) return;
    free((*t)->spans);
    free(*t);
    *t = NULL;
}

void pt_trace_put(pt_trace *t, const pt_trace_span *span)
{
    if (span->end - span->begin >= 1e-6) t->spans[t->n++ % t->capacity] = *span;
}
