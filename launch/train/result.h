/* result.json: the outcome of a finished run. */
#ifndef PT_LAUNCH_TRAIN_RESULT_H
#define PT_LAUNCH_TRAIN_RESULT_H

#include <jansson.h>

#include "launch/train/communication.h"
#include "launch/train/goodput.h"
#include "launch/train/predictions.h"
#include "launch/train/second.h"
#include "launch/train/setup.h"
#include "server/serve.h"

typedef struct {
    const pt_setup *setup;
    const pt_tally *tally;
    const pt_score *scores; /* [PT_ROWS_SETS] of the last test; n = 0: not tested */
    uint64_t steps;
    double seconds, images_per_s;
    const char *weight_hash, *predictions_hash;
    const pt_second_journal *second; /* name NULL: there is none */
    const pt_communication *communication;
    const pt_goodput *goodput;
} pt_result_facts;

/* With run.keep_best also `best`: the step after which the model of best.h5 was tested,
 * the set that selected it (validation or test), its accuracy there and on the test
 * split. Of a run without a split to test on, what a test would
 * say is null. With early stopping also `early_stopping` (early_stopping.h): accuracies
 * and hashes are those of the model that it chose. NULL without memory. */
json_t *pt_result_create(const pt_result_facts *f);

/* Prints the line with the same about best.h5; nothing if there is none. */
void pt_result_say_best(const pt_result_facts *f);

#endif
