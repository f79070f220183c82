/* A worker's spans of a trace (common/run/trace.h): its nodes, its waits, its messages.
 * All does nothing without run->trace. */
#ifndef PT_WORKER_SPANS_H
#define PT_WORKER_SPANS_H

#include "common/run/run.h"
#include "common/run/trace.h"
#include "common/run/wire.h"
#include "worker/engine/net/net_options.h"

typedef struct {
    pt_trace *trace; /* borrowed; NULL: none */
    double mark;     /* when the node that is computed began */
    int tensor;      /* whose weights are waited for, or -1 */
    double *pushes;  /* [n]: when each was sent; 0: not under way. NULL: no trace */
    size_t n;
    double sums_began;
    int sums_node;
} pt_spans;

/* n: pushes, PT_MAX_COVER for each key. PT_ERR_NOMEM. */
PT_MUST_USE pt_status pt_spans_init(pt_spans *s, const pt_run *run, size_t n);
void pt_spans_fini(pt_spans *s);

/* The pushes of the step before have left; what follows is of step. */
void pt_spans_step(pt_spans *s, uint64_t step);

/* The node that is computed next begins now; a part of a node is done. */
void pt_spans_mark(pt_spans *s);
void pt_spans_lap(pt_spans *s, int node, pt_net_part part);

/* A wait is over. Those for sums are inside their node's span. */
void pt_spans_wait(pt_spans *s, pt_step_time why, double begin, double end);

/* The i-th push is about to be sent; it has left (if it was under way). */
void pt_spans_push(pt_spans *s, size_t i);
void pt_spans_left(pt_spans *s, size_t i);

/* An exchange of batch norm's sums begins, and ends. */
void pt_spans_exchange(pt_spans *s, int node);
void pt_spans_exchanged(pt_spans *s);

#endif
