/* What a rank did when: spans of time in a ring of bounded size, for a timeline of all
 * ranks (launch/train/timeline.h). A NULL trace records nothing, at the cost of a branch.
 * Times are of pt_clock. Local. */
#ifndef PT_COMMON_RUN_TRACE_H
#define PT_COMMON_RUN_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/clock.h"
#include "common/base/status.h"

/* What the index of a span means. */
typedef enum { PT_OF_NOTHING, PT_OF_NODE, PT_OF_TENSOR, PT_OF_KEY } pt_trace_of;

/* kind; its name; what it is of; does it overlap other spans of its rank (messages)? */
#define PT_TRACE_LIST(X)                                                                 \
    X(INPUT, "input", PT_OF_NOTHING, false)                                              \
    X(FORWARD, "forward", PT_OF_NODE, false)                                             \
    X(BACKWARD, "backward", PT_OF_NODE, false)                                           \
    X(GRADIENT, "gradient of", PT_OF_NODE, false)                                        \
    X(WEIGHTS, "wait for weights", PT_OF_TENSOR, false)                                  \
    X(SUMS, "wait for sums", PT_OF_NODE, false)                                          \
    X(RECORD, "wait for the record", PT_OF_NOTHING, false)                               \
    X(PUSH, "push", PT_OF_KEY, true)                                                     \
    X(EXCHANGE, "exchange sums", PT_OF_NODE, true)                                       \
    X(PAYLOADS, "wait for payloads", PT_OF_NOTHING, false)                               \
    X(GATHER, "wait for gradients", PT_OF_KEY, false)                                    \
    X(AGGREGATE, "aggregate", PT_OF_KEY, false)                                          \
    X(UPDATE, "update", PT_OF_KEY, false)                                                \
    X(PULL, "pull", PT_OF_KEY, true)                                                     \
    X(CHECKPOINT, "checkpoint", PT_OF_NOTHING, false)                                    \
    X(TEST, "test", PT_OF_NOTHING, false)

#define PT_TRACE_ENUM(kind, name, of, overlaps) PT_TRACE_##kind,
typedef enum { PT_TRACE_LIST(PT_TRACE_ENUM) PT_TRACE_KINDS } pt_trace_kind;

typedef struct {
    double begin, end;
    int32_t index;       /* -1: none */
    uint16_t kind, peer; /* peer: worker that a message goes to, where it matters */
    uint64_t step;
} pt_trace_span;

typedef struct pt_trace {
    size_t capacity;
    pt_trace_span *spans; /* [capacity]: a ring */
    uint64_t n;           /* spans recorded so far: the last `capacity` are there */
    uint64_t step;        /* of those that follow */
} pt_trace;

PT_MUST_USE pt_status pt_trace_create(size_t capacity, pt_trace **out);
void pt_trace_destroy(pt_trace **t);

/* A span below a microsecond is left out. */
void pt_trace_put(pt_trace *t, const pt_trace_span *span);

static inline void pt_trace_add(pt_trace *t, pt_trace_kind kind, int index, double begin,
                                double end)
{
    if (t)
        pt_trace_put(t, &(pt_trace_span){begin, end, index, (uint16_t)kind, 0, t->step});
}

/* Adds a span that ends now. */
static inline void pt_trace_until_now(pt_trace *t, pt_trace_kind kind, int index,
                                      double begin)
{
    if (t) pt_trace_add(t, kind, index, begin, pt_clock());
}

/* The clock, where it is needed for a span. */
static inline double pt_trace_clock(const pt_trace *t)
{
    return t ? pt_clock() : 0;
}

static inline void pt_trace_step(pt_trace *t, uint64_t step)
{
    if (t) t->step = step;
}

#endif
