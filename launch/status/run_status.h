/* How far a run is, from the files in its directory: for another process, on another
 * node, while it runs or after. Local. */
#ifndef PT_LAUNCH_STATUS_RUN_STATUS_H
#define PT_LAUNCH_STATUS_RUN_STATUS_H

#include <jansson.h>
#include <stdbool.h>

#include "common/base/status.h"

typedef enum {
    PT_RUN_FINISHED, /* result.json is there */
    PT_RUN_RUNNING,  /* a job holds the directory's lock */
    PT_RUN_STOPPED   /* neither: the same command resumes it */
} pt_run_state;

extern const char *const pt_run_state_names[];

/* Unknown numbers are NAN, unknown counts -1. */
typedef struct {
    pt_run_state state;
    long step;            /* steps that are done */
    double epoch, epochs; /* done; of all stages */
    double ce, accuracy;  /* of the last step, as in the lines of the run */
    double images_per_s;  /* of the last steps */
    double eta_s;         /* at that speed; 0 of a finished run */
    double quiet_s;       /* since metrics.jsonl was last written */
    char test_of[16];     /* "test", or "validation" where that is all there is */
    double test_accuracy; /* the last test's, or that of the model of a finished run */
    long test_step;       /* steps that were done then */
    bool ended_early;     /* early_stopping: finished before the last planned step */
    long checkpoint;      /* steps in the newest checkpoint */
    int jobs;             /* that the run took so far */
} pt_run_status;

/* PT_ERR_IO or PT_ERR_DATA where dir holds no run. */
PT_MUST_USE pt_status pt_run_status_read(const char *dir, pt_run_status *out);

/* "epoch 3.25 of 10 (32 %), step 130, ce 0.412, ..." into text [n]. */
void pt_run_status_text(const pt_run_status *s, char *text, size_t n);

/* A line of metrics.jsonl for people; false: it has nothing to tell them. */
bool pt_metrics_line_text(const json_t *line, char *text, size_t n);

#endif
