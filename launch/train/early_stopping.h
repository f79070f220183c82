/* early_stopping: after which test a run is over, and which of its tests was the best.
 * The rule is a function of the tests alone, so that a run ends after the same step on
 * any layout, resumed or not; what it remembers is in each checkpoint (pt_early). */
#ifndef PT_LAUNCH_TRAIN_EARLY_STOPPING_H
#define PT_LAUNCH_TRAIN_EARLY_STOPPING_H

#include <jansson.h>

#include "launch/train/predictions.h"
#include "launch/train/setup.h"
#include "server/hooks.h"

/* What a test measured: more is better, the difference of two divided by `unit` is what
 * min_delta means. Accuracy: right images, and how many there are. Loss: minus the mean
 * in nats (the lowest number where it is not finite), and 1. */
typedef struct {
    double value, unit;
} pt_measure;

pt_measure pt_early_measure(const Pt__Config__EarlyStopping *c,
                            const pt_score *validation);

/* Counts the test after `step` in *e. The best is the first of the highest values. A test
 * is an improvement where it exceeds the last improvement by min_delta or more; after
 * `patience` others in a row the run is over. A step that has been counted gets the same
 * verdict again. Pure. */
pt_test_verdict pt_early_count(pt_early *e, const Pt__Config__EarlyStopping *c,
                               uint64_t step, const pt_measure *m);

/* The same of the run's test, if it is of the last stage; one line where the run is over
 * before its last step. Rank 0. */
pt_test_verdict pt_early_tested(pt_early *e, const pt_setup *u, uint64_t step,
                                const pt_score *validation);

/* For result.json: ended_early, step (after which the model of the run was tested),
 * metric, value, selected_on. NULL without memory. */
json_t *pt_early_result(const pt_early *e, const pt_setup *u, uint64_t steps);

/* Prints which step's model is the run's, and how it did in its test (n = 0: in none). */
void pt_early_say(const pt_early *e, const pt_setup *u, const pt_score *test);

#endif
