/* Tests: workers compute the outputs of the network for whole sets of images, rank 0
 * passes them to the caller's hook. */
#ifndef PT_SERVER_EVALUATE_H
#define PT_SERVER_EVALUATE_H

#include "server/hooks.h"
#include "server/saves.h"
#include "server/workers.h"

/* Borrowed. */
typedef struct {
    pt_workers *workers;
    pt_saves *saves;
    const pt_server_hooks *hooks;
    pt_test_sizes sizes;
} pt_evaluation;

/* Rank 0, after `step` (last: of the run): a test with the current weights and running
 * statistics, which workers receive for it. */
PT_MUST_USE pt_status pt_evaluate(const pt_evaluation *e, uint64_t step, bool last);

/* Rank 0, after that and once workers get these weights: a test of a second set. */
PT_MUST_USE pt_status pt_evaluate_second(const pt_evaluation *e, const pt_second *second,
                                         uint64_t step, bool last);

#endif
