/* The directory that a run leaves:
 *
 *   identity.json     what decides the weights: configuration, V, seed, digests of data
 *                     and start weights, kernels (from the start of the run)
 *   config.yaml       the resolved configuration
 *   environment.json  versions, hosts, core types, commit, command line
 *   metrics.jsonl     one object a step, one a test
 *   model.h5          the final model; predictions.h5: test set with logits
 *   result.json       accuracies, hashes, times (last: it is there when the run finished)
 *
 * Rank 0 only. */
#ifndef PT_LAUNCH_RUN_DIR_H
#define PT_LAUNCH_RUN_DIR_H

#include <jansson.h>

#include "launch/setup.h"

/* Makes config run.dir. One that exists is PT_ERR_USAGE unless overwrite, and then only
 * if it is a run's (has identity.json) or empty: its files are removed. */
PT_MUST_USE pt_status pt_run_dir_create(const char *dir, bool overwrite);

/* Writes identity, configuration and environment. hosts: one text a rank, as
 * pt_job_gather_text gives them. */
PT_MUST_USE pt_status pt_run_dir_describe(const pt_setup *u, const pt_train_args *args,
                                          const char *hosts);

/* Writes an object to dir/name under a temporary name and renames it. Takes json. */
PT_MUST_USE pt_status pt_run_dir_write_json(const char *dir, const char *name,
                                            json_t *json);

#endif
