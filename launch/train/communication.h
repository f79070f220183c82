/* What a run's steps communicate, and what of it is exposed. */
#ifndef PT_LAUNCH_TRAIN_COMMUNICATION_H
#define PT_LAUNCH_TRAIN_COMMUNICATION_H

#include <jansson.h>

#include "common/run/run.h"
#include "launch/train/times.h"
#include "launch/train/waits.h"

typedef struct {
    const pt_run *run;
    const pt_times *times;
    const pt_waits *waits;
} pt_communication;

/* Prints a line, and one about the weights that were waited for longest if that took a
 * twentieth of the time; nothing after no steps. */
void pt_communication_say(const pt_communication *c);

/* NULL without memory, or after no steps. */
json_t *pt_communication_json(const pt_communication *c);

#endif
