/* The split to test on, which a data set need not have. */
#ifndef PT_LAUNCH_TRAIN_TEST_SPLIT_H
#define PT_LAUNCH_TRAIN_TEST_SPLIT_H

#include "common/config/config.h"
#include "common/data/dataset.h"

/* *out: data.test_split; `val` where there is no `test` and nothing else is asked of
 * either; NULL where there is neither, or the validation images choose between models.
 * PT_ERR_DATA where another split was named that is not there, with how to get one. */
PT_MUST_USE pt_status pt_test_split_find(const pt_dataset *d, const Pt__Config__Data *c,
                                         const char **out);

/* PT_ERR_CONFIG where run.keep_best has no images to choose by; tested: is there a split
 * to test on? */
PT_MUST_USE pt_status pt_test_split_check(const pt_config *c, bool tested);

/* Warns that a run on the data set `path` has no test accuracy. */
void pt_test_split_warn(const char *path);

#endif
