#include "worker/spans.h"

#include <stdlib.h>

pt_status pt_spans_init(pt_spans *s, const pt_run *run, size_t n)
{
    *s = (pt_spans){.trace = run->trace, .tensor = -1, .n = n};
    if (!run->trace) return PT_OK;
    s->pushes = pt_calloc(n, sizeof *s->pushes);
    return s->pushes ? PT_OK : pt_fail(PT_ERR_NOMEM, "no memory for a worker's trace");
}

void pt_spans_fini(pt_spans *s)
{
    free(s->pushes);
    *s = (pt_spans){0};
}

void pt_spans_step(pt_spans *s, uint64_t step)
{
    for (size_t i = 0; s->pushes && i < s->n; i++) pt_spans_left(s, i);
    pt_trace_step(s->trace, step);
}

void pt_spans_mark(pt_spans *s)
{
    s->mark = pt_trace_clock(s->trace);
}

void pt_spans_lap(pt_spans *s, int node, pt_net_part part)
{
    static const pt_trace_kind kinds[] = {[PT_PART_FORWARD] = PT_TRACE_FORWARD,
                                          [PT_PART_DATA] = PT_TRACE_BACKWARD,
                                          [PT_PART_WEIGHTS] = PT_TRACE_GRADIENT};
    double now = pt_trace_clock(s->trace);

    pt_trace_add(s->trace, kinds[part], node, s->mark, now);
    s->mark = now;
}

void pt_spans_wait(pt_spans *s, pt_step_time why, double begin, double end)
{
    if (why == PT_TIME_SUMS) {
        pt_trace_add(s->trace, PT_TRACE_SUMS, s->sums_node, begin, end);
        return;
    }
    pt_trace_add(s->trace, why == PT_TIME_WEIGHTS ? PT_TRACE_WEIGHTS : PT_TRACE_RECORD,
                 s->tensor, begin, end);
    s->mark = end;
}

void pt_spans_push(pt_spans *s, size_t i)
{
    if (s->pushes) s->pushes[i] = pt_clock();
}

void pt_spans_left(pt_spans *s, size_t i)
{
    if (!s->pushes || s->pushes[i] == 0) return;
    pt_trace_until_now(s->trace, PT_TRACE_PUSH, (int)(i / PT_MAX_COVER), s->pushes[i]);
    s->pushes[i] = 0;
}

void pt_spans_exchange(pt_spans *s, int node)
{
    s->sums_began = pt_trace_clock(s->trace);
    s->sums_node = node;
}

void pt_spans_exchanged(pt_spans *s)
{
    pt_trace_until_now(s->trace, PT_TRACE_EXCHANGE, s->sums_node, s->sums_began);
}
