/* The test images that a run got wrong and was most certain of (predictions.h5). */
#ifndef PT_LAUNCH_REPORT_MISTAKES_H
#define PT_LAUNCH_REPORT_MISTAKES_H

#include "launch/report/answers.h"

typedef struct {
    size_t at;   /* in the test set */
    double sure; /* probability of the answer, by softmax; that of the truth */
    double truth;
} pt_mistake;

/* At most `most` of them, the surest first; ties by place. a: of the same directory.
 * list [*n] malloc'd. PT_ERR_DATA where the file has no logits for them. */
PT_MUST_USE pt_status pt_mistakes_read(const char *dir, const pt_answers *a, size_t most,
                                       pt_mistake **list, size_t *n);

#endif
