/* How the steps of this job spent their time, and who waited for whom. Pure.
 *
 * A worker's step is input, computing, and waiting for others. Of the waiting,
 *
 *     exposed   is what messages take: waiting for weights, and of batch norm's sums and
 *               the step record what the worker waited that waited least for them
 *     uneven    is the rest: waiting for slower workers, which no network can shorten
 *
 * and it is the worker that waited least for sums, or for the record, which the others
 * waited for. */
#ifndef PT_LAUNCH_TRAIN_TIMES_H
#define PT_LAUNCH_TRAIN_TIMES_H

#include <stdbool.h>
#include <stdint.h>

#include "common/run/wire.h"

/* Names of a payload's times in JSON: "input_s". */
extern const char *const pt_times_names[PT_PAYLOAD_TIMES];

/* Seconds: of a step, or of several added up. */
typedef struct {
    double of[PT_PAYLOAD_TIMES]; /* means over the workers */
    double exposed, uneven;      /* the same */
} pt_split;

typedef struct {
    int n_workers;
    double *workers;    /* [n_workers][PT_PAYLOAD_TIMES] of each, of all steps */
    double *waited_for; /* [n_workers] seconds that the other workers waited for it */
    pt_split sum;
    uint64_t steps;
} pt_times;

/* PT_ERR_NOMEM; pt_times_fini is allowed then. */
PT_MUST_USE pt_status pt_times_init(pt_times *t, int n_workers);
void pt_times_fini(pt_times *t);

/* Adds a step: times [n_workers][PT_PAYLOAD_TIMES], from payloads. Returns its split; all
 * zeros, and nothing is added, if they are of no step (in a job's first payloads). */
pt_split pt_times_add(pt_times *t, const double *times);

/* Seconds of a worker's steps. */
double pt_times_all(const double times[PT_PAYLOAD_TIMES]);

/* Mean seconds of exposed communication in a step; of all of it, what is hidden behind
 * computing included, as the workers see it. 0: no steps. */
double pt_times_exposed(const pt_times *t);
double pt_times_communication(const pt_times *t);

/* Share of its time, 0 to 1, that a worker waited for slower ones on average. */
double pt_times_uneven(const pt_times *t);

#endif
