/* What is written down of a method's second set of weights ("ema"): lines of its tests in
 * metrics.jsonl and, at the end, NAME.h5 beside model.h5 and an object in result.json. */
#ifndef PT_LAUNCH_TRAIN_SECOND_H
#define PT_LAUNCH_TRAIN_SECOND_H

#include <jansson.h>

#include "launch/train/metrics.h"
#include "launch/train/predictions.h"
#include "launch/train/setup.h"
#include "server/hooks.h"

/* Plain value; zeros: no test yet, or no method has a second set. */
typedef struct {
    const char *name;              /* NULL: no test yet */
    pt_score scores[PT_ROWS_SETS]; /* of the last test; n = 0: not tested */
    char weight_hash[65];          /* of the file */
} pt_second_journal;

void pt_second_journal_fini(pt_second_journal *j);

/* A test of the second set; see pt_server_hooks. metrics: NULL = neither printed nor
 * recorded. */
PT_MUST_USE pt_status pt_second_tested(pt_second_journal *j, const pt_setup *u,
                                       pt_metrics *metrics, const pt_second *second,
                                       pt_rows_of set, uint64_t step, const float *logits,
                                       size_t n);

/* NAME.h5: the network with these parameters, and the run's statistics of this moment. */
PT_MUST_USE pt_status pt_second_write(pt_second_journal *j, const pt_setup *u,
                                      const pt_second *second);

/* For result.json, under j->name. NULL without memory. */
json_t *pt_second_result(const pt_second_journal *j);

#endif
