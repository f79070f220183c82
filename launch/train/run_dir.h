/* The directory of a run:
 *
 *   identity.json     what decides the weights (launch/train/identity.h), from the start
 *   config.yaml       the resolved configuration
 *   environment.json  versions, hosts, core types, commit, command line
 *   start.h5          network.graph: graph and start weights (launch/train/network.h)
 *   metrics.jsonl     one object per step, one per test
 *   events.out.tfevents.*
 *                     run.tensorboard: the same for TensorBoard (launch/train/events.h)
 *   jobs.json         the jobs that the run took (launch/train/goodput.h)
 *   checkpoints/      while the run is not finished (server/checkpoint/manifest.h)
 *   best.h5           run.keep_best: the best model so far (launch/train/best.h)
 *   model.h5          the final model
 *   predictions.h5    logits of the test set
 *   result.json       accuracies, hashes, times; there once the run has finished
 *
 * Rank 0 only. */
#ifndef PT_LAUNCH_TRAIN_RUN_DIR_H
#define PT_LAUNCH_TRAIN_RUN_DIR_H

#include <jansson.h>

#include "launch/train/setup.h"

#define PT_BEST_FILE "best.h5"

/* Creates config run.dir, or opens a run's directory (*exists). overwrite: a run's files
 * are removed. PT_ERR_USAGE if it holds other files, or another job uses it (locked until
 * this process ends; a warning if the file system has no locks). What a crash left is
 * removed under the lock, and does not count as other files. A finished run may be
 * read-only. */
PT_MUST_USE pt_status pt_run_dir_open(const char *dir, bool overwrite, bool *exists);

bool pt_run_dir_has(const char *dir, const char *name);

/* Does a job hold the lock of dir? Any process. False where the file system has none. */
bool pt_run_dir_in_use(const char *dir);

/* Has dir a complete checkpoint? *step: the steps in the newest; may be NULL. */
bool pt_run_dir_checkpoint(const char *dir, uint64_t *step);
PT_MUST_USE pt_status pt_run_dir_read_json(const char *dir, const char *name,
                                           json_t **out);

/* Writes identity, configuration and environment. Borrows identity. hosts: one text per
 * rank, as pt_job_gather_text returns them. */
PT_MUST_USE pt_status pt_run_dir_describe(const pt_setup *u, const pt_train_args *args,
                                          json_t *identity, const char *hosts);

/* Writes an object to dir/name in one move (pt_file_replace). Takes json. */
PT_MUST_USE pt_status pt_run_dir_write_json(const char *dir, const char *name,
                                            json_t *json);

#endif
