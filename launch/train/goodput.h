/* Goodput: the share of a run's time that became steps which were kept, over all jobs
 * that the run took. jobs.json in the run directory has an object for each of them:
 *
 *     started     seconds since 1970
 *     seconds     that it took; null while it runs. Of a job that was killed: until it
 * had finished its last step, as the date of metrics.jsonl tells lost_steps  steps after
 * its last checkpoint, which had to be done again lost_s      what these took
 *
 * A file that cannot be written is a warning. */
#ifndef PT_LAUNCH_TRAIN_GOODPUT_H
#define PT_LAUNCH_TRAIN_GOODPUT_H

#include <jansson.h>
#include <stdint.h>

#include "common/base/status.h"

typedef struct {
    const char *dir; /* borrowed */
    json_t *jobs;
    double started; /* of this job, seconds since 1970 */
} pt_jobs;

/* Before metrics.jsonl is touched: reads the jobs before this one and ends the last of
 * them. started: 0 for now; earlier_s: seconds of jobs of which there is no jobs.json,
 * since an older version ran them. */
PT_MUST_USE pt_status pt_jobs_open(const char *dir, double started, double earlier_s,
                                   pt_jobs *out);
void pt_jobs_fini(pt_jobs *j);

/* This job begins; the one before it lost these steps. */
void pt_jobs_begin(pt_jobs *j, uint64_t lost_steps, double lost_s);

/* This job ends, now. */
void pt_jobs_end(pt_jobs *j);

/* Seconds. */
typedef struct {
    double all, kept,
        lost; /* of all jobs; of steps that were kept; of those that were not */
    uint64_t lost_steps;
    int jobs;
} pt_goodput;

/* kept: see there; this job counts until now. */
pt_goodput pt_goodput_of(const pt_jobs *j, double kept);

/* Prints a line; nothing where no step was timed. */
void pt_goodput_say(const pt_goodput *g);
/* NULL without memory. */
json_t *pt_goodput_json(const pt_goodput *g);

#endif
