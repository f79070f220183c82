/* run.keep_best: whose model best.h5 is. */
#ifndef PT_LAUNCH_TRAIN_BEST_H
#define PT_LAUNCH_TRAIN_BEST_H

#include "launch/train/run_dir.h"
#include "launch/train/setup.h"
#include "server/checkpoint/tally.h"

/* Replaces *best by the test after `step` if more of its images were right, or if it is
 * the first. True: replaced, and the file must be written. */
bool pt_best_offer(pt_best *best, uint64_t step, uint64_t right, uint64_t images);

/* Writes best.h5, or keeps the weights in memory while that is not possible. Plain value;
 * the owner frees flat. */
typedef struct {
    const pt_setup *u;
    pt_best *best; /* its digest is set when the file is written */
    float *flat;   /* of the file that is not written yet, or NULL */
    bool warned;   /* that it cannot be */
} pt_best_writer;

/* Writes the run's current weights. PT_OK also if they are only kept in memory, with one
 * warning. */
PT_MUST_USE pt_status pt_best_keep(pt_best_writer *w);

/* Tries again if weights are kept: PT_OK in the same cases. */
PT_MUST_USE pt_status pt_best_try(pt_best_writer *w);

/* The same at the end: PT_ERR_IO if they still cannot be written. */
PT_MUST_USE pt_status pt_best_write(void *writer);

/* On resume: is dir/best.h5 the file of *best? If it is missing or different (removed, or
 * written by a test that will be repeated), *best is cleared, so that the next test
 * writes it. */
PT_MUST_USE pt_status pt_best_check(const char *dir, pt_best *best);

#endif
