/* The factor on the learning rates over the steps of a run. Pure. */
#ifndef PT_SERVER_SCHEDULE_H
#define PT_SERVER_SCHEDULE_H

#include <stddef.h>
#include <stdint.h>

typedef enum {
    PT_SCHEDULE_CONSTANT,
    PT_SCHEDULE_STEP,
    PT_SCHEDULE_COSINE
} pt_schedule_kind;

/* A plain value; `at` is borrowed. */
typedef struct {
    pt_schedule_kind kind;
    const double *at; /* STEP: [n_at] fractions of the run, in any order */
    size_t n_at;
    double factor;         /* STEP: the multiplier at each of them */
    uint32_t warmup_steps; /* any kind; 0 = none */
} pt_schedule;

/* The factor of step k = `step` of a run of `total` steps, k in 0..total-1:
 *
 *     constant  1
 *     step      factor^m, m = number of fractions with k >= ceil(at * total)
 *     cosine    (1 + cos(pi k / total)) / 2: 1 at k = 0, above 0 at the last step
 *
 * times (k + 1) / (warmup_steps + 1) while k < warmup_steps: the rate rises in equal
 * steps and reaches its full value at k = warmup_steps. The warm-up does not shift the
 * rest. at * total counts as the whole number that it is within 1e-12 of (0.55 * 100 is
 * 55, though not in doubles).
 *
 * The same bits everywhere (pmath.h). Local; cannot fail. total >= 1; from total on,
 * cosine is 0.
 */
double pt_schedule_factor(const pt_schedule *s, uint64_t step, uint64_t total);

#endif
