/* What a run's steps communicate, what of it is exposed, and the bound: the least time
 * that the busiest link needs for a step's bytes, at the rate measured before the first
 * step. */
#ifndef PT_LAUNCH_TRAIN_COMMUNICATION_H
#define PT_LAUNCH_TRAIN_COMMUNICATION_H

#include <jansson.h>

#include "common/run/run.h"
#include "launch/train/rates.h"
#include "launch/train/times.h"
#include "launch/train/waits.h"

/* Of the steps of this job. Zeroed at the start. */
typedef struct {
    double now, sum; /* seconds: of a step in the current stage, of all steps */
    double rate;     /* bytes a second of the link that decides */
    size_t stage;
    uint64_t step; /* of the stage, of which `now` is */
    uint64_t steps;
} pt_bound;

/* Adds a step of the current stage, which has been entered. */
void pt_bound_add(pt_bound *b, const pt_run *r, const pt_rates *rates, uint64_t step);

typedef struct {
    const pt_run *run;
    const pt_rates *rates;
    const pt_times *times;
    const pt_waits *waits;
    const pt_bound *bound;
} pt_communication;

/* Prints a line, and one about the weights that were waited for longest if that took a
 * twentieth of the time; nothing after no steps. */
void pt_communication_say(const pt_communication *c);

/* NULL without memory, or after no steps. */
json_t *pt_communication_json(const pt_communication *c);

#endif
