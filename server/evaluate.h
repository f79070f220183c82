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
    pt_status failed; /* of the first hook that failed, and its text */
    char why[1024];
} pt_evaluation;

/* Rank 0, after `step` (last: of the run): a test with the current weights and running
 * statistics, which workers receive for it. */
PT_MUST_USE pt_status pt_evaluate(pt_evaluation *e, uint64_t step, bool last);

/* Rank 0, after that and once workers get these weights: a test of a second set. */
PT_MUST_USE pt_status pt_evaluate_second(pt_evaluation *e, const pt_second *second,
                                         uint64_t step, bool last);

/* Rank 0, after both: the failure of a hook. The test went on without hooks, so that
 * other ranks reach its end. */
PT_MUST_USE pt_status pt_evaluate_end(const pt_evaluation *e);

#endif
