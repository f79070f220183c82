/* What is written at the end of a run and must not be lost: retried while it fails (a
 * full disk). Rank 0. */
#ifndef PT_LAUNCH_TRAIN_OUTPUTS_H
#define PT_LAUNCH_TRAIN_OUTPUTS_H

#include "launch/train/setup.h"

/* Warns if run.dir has no space for model, predictions and two checkpoints (less those
 * that exist); the run starts all the same. */
void pt_outputs_check_space(const pt_setup *u);

/* dir/name: the network with the parameters and statistics in `flat`. Space is
 * checked first. */
PT_MUST_USE pt_status pt_outputs_model(const pt_setup *u, const float *flat,
                                       const char *name);

/* run.dir/PT_START_FILE, from which the run can be resumed without the file of
 * network.graph. Nothing for a network of ours, and for a run that also reads the file's
 * own classifier. Before the first step. */
PT_MUST_USE pt_status pt_outputs_start(const pt_setup *u);

/* Calls write(context) until it does not return PT_ERR_IO: at once, then without the
 * older of two checkpoints, then, with a warning, for run.watchdog_s. The other ranks see
 * this one alive meanwhile. A request to stop ends the wait. */
PT_MUST_USE pt_status pt_outputs_insist(const pt_setup *u,
                                        pt_status (*write)(void *context), void *context);

#endif
