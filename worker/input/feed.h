/* The worker's source of images in a run: the plan's batches and blocks of the test
 * split, decoded ahead by two loaders. */
#ifndef PT_WORKER_FEED_H
#define PT_WORKER_FEED_H

#include "common/data/dataset.h"
#include "common/data/view.h"
#include "common/run/run.h"
#include "worker/input/augment.h"
#include "worker/source.h"

typedef struct pt_feed pt_feed;

/* Borrows run and data. worker: 0..n_workers-1. */
PT_MUST_USE pt_status pt_feed_create(pt_run *run, const pt_dataset *data,
                                     const pt_preprocess *preprocess, int worker,
                                     pt_feed **out);
void pt_feed_destroy(pt_feed **f);

/* Its functions, valid while the feed lives. */
pt_source pt_feed_source(pt_feed *f);

/* The preprocessing that the configuration asks for. */
pt_augment pt_augment_of(const pt_config *c, const pt_preprocess *preprocess);

#endif
