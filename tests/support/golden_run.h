/* Whole runs held against runs that PyTorch made in double precision
 * (tests/oracle/algorithm1.py and methods.py): what each step reports, and every tensor
 * after it.
 *
 * Tolerance: PyTorch in single precision differs from itself in double by 2e-7 of a
 * tensor's norm after these steps, and by 3e-5 of how far a tensor has moved. Ours may
 * differ by 1e-6 and 2e-4: enough for another order of summation, not another formula;
 * losses and norms of a step by 1e-5. */
#ifndef PT_TESTS_GOLDEN_RUN_H
#define PT_TESTS_GOLDEN_RUN_H

#include "tests/support/whole_run.h"

#define GOLDEN_RUN_OF_NORM 1e-6

/* The run of config on the images of the golden file, one server; ends the test unless it
 * succeeds. */
whole_run *golden_run_play(const char *config, const char *file, int n_workers);

/* Ends the test where a number or a tensor is not PyTorch's. Returns the steps with
 * w > 0. */
int golden_run_compare(const char *file, const whole_run *r);

#endif
