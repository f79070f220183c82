/* run.keep_best: whose model best.h5 is. */
#ifndef PT_LAUNCH_BEST_H
#define PT_LAUNCH_BEST_H

#include "common/status.h"
#include "server/checkpoint/tally.h"

#define PT_BEST_FILE "best.h5"

/* Takes the test after `step` in the place of *best if more of its images were right, or
 * if it is the first. True: it was taken, and the file must be written. */
bool pt_best_offer(pt_best *best, uint64_t step, uint64_t right, uint64_t images);

/* Remembers which bytes dir/best.h5 has. */
PT_MUST_USE pt_status pt_best_sign(const char *dir, pt_best *best);

/* Of a run that goes on: is dir/best.h5 the file of *best? Where it is not there or has
 * other bytes (it was removed, or written by a test that will be done again), *best
 * becomes none, so that the next test writes it. */
PT_MUST_USE pt_status pt_best_check(const char *dir, pt_best *best);

#endif
