/* What the configuration alone cannot tell: whether it suits the network and the data.
 * Pure; every rank comes to the same answer. */
#ifndef PT_COMMON_RUN_RUN_CHECK_H
#define PT_COMMON_RUN_RUN_CHECK_H

#include "common/run/run.h"

/* PT_ERR_CONFIG where cross_entropy.class_weights are not as many as the classes, where
 * stages.K.frozen names what no parameter begins with, and where batch norm would
 * normalize one value per channel in some step: a batch (with network.batch_norm: shard,
 * a shard) of one image where the map has one pixel. Its output would be beta whatever
 * the image, and the variance 0 would go into the running statistics. PyTorch refuses it
 * in that step; here it is known before the first.
 */
PT_MUST_USE pt_status pt_run_check(const pt_run *r);

/* Settings that are allowed but probably not intended: true, and the k-th warning (from
 * 0) in line [n]. False where there are no more than k. */
bool pt_run_doubt(const pt_run *r, int k, char *line, size_t n);

#endif
