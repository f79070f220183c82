/* run.keep_best: whose model best.h5 is. */
#ifndef PT_LAUNCH_TRAIN_BEST_H
#define PT_LAUNCH_TRAIN_BEST_H

#include "launch/train/run_dir.h"
#include "launch/train/setup.h"
#include "server/checkpoint/tally.h"

/* Takes the test after `step` in the place of *best if more of its images were right, or
 * if it is the first. True: it was taken, and the file must be written. */
bool pt_best_offer(pt_best *best, uint64_t step, uint64_t right, uint64_t images);

/* Writes best.h5, or keeps the weights while that is not possible. Plain value; flat is
 * the owner's to free. */
typedef struct {
    const pt_setup *u;
    pt_best *best; /* its digest is set when the file is written */
    float *flat;   /* of the file that is not written yet, or NULL */
    bool said;     /* that it cannot be */
} pt_best_writer;

/* The run's weights of this moment are the file's. PT_OK also where they are only kept,
 * which is said once. */
PT_MUST_USE pt_status pt_best_keep(pt_best_writer *w);

/* Once more, where weights are kept: PT_OK likewise. */
PT_MUST_USE pt_status pt_best_try(pt_best_writer *w);

/* The same where it matters: PT_ERR_IO if they still cannot be written. */
PT_MUST_USE pt_status pt_best_write(void *writer);

/* Of a run that goes on: is dir/best.h5 the file of *best? Where it is not there or has
 * other bytes (it was removed, or written by a test that will be done again), *best
 * becomes none, so that the next test writes it. */
PT_MUST_USE pt_status pt_best_check(const char *dir, pt_best *best);

#endif
