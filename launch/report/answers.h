/* What runs predicted for the test images (predictions.h5), and what methods got right
 * that plain fine-tuning got wrong. */
#ifndef PT_LAUNCH_REPORT_ANSWERS_H
#define PT_LAUNCH_REPORT_ANSWERS_H

#include <stdint.h>

#include "launch/report/summary.h"

typedef struct {
    size_t n; /* test images */
    int n_classes;
    uint32_t *image;         /* [n] numbers in the data set */
    int32_t *label, *answer; /* [n] */
    char **classes, **names; /* [n_classes], [n] */
} pt_answers;

/* PT_ERR_DATA if the file is not one. */
PT_MUST_USE pt_status pt_answers_read(const char *dir, pt_answers *out);
void pt_answers_fini(pt_answers *a);

/* How often each class was taken for each other: counts [C][C], row: the true class, over
 * all tested runs of the method, one or more; malloc'd. *first: of its first run, to be
 * freed. */
PT_MUST_USE pt_status pt_answers_confusion(const pt_method_runs *m, pt_answers *first,
                                           uint32_t **counts);

/* A test image on which a method and its baseline disagree about the truth. */
typedef struct {
    size_t at;           /* in the test set */
    int for_, against;   /* paired runs in which only the method, only plain is right */
    int32_t ours, plain; /* the answers given most often in these runs */
} pt_change;

/* The changes of a method with a baseline, most in favour first; ties by place. *first as
 * above; list [*n] malloc'd. */
PT_MUST_USE pt_status pt_answers_changes(const pt_method_runs *m, pt_answers *first,
                                         pt_change **list, size_t *n);

#endif
