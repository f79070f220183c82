/* Is a model as sure as it is right? Pure. */
#ifndef PT_LAUNCH_EVALUATE_CALIBRATION_H
#define PT_LAUNCH_EVALUATE_CALIBRATION_H

#include <stddef.h>

#include "common/base/status.h"

enum { PT_CALIBRATION_BINS = 15 };

/* Of the images whose largest probability lies in (k / BINS, (k + 1) / BINS]. */
typedef struct {
    size_t n;
    double confidence, accuracy; /* means; 0 where n is 0 */
} pt_calibration_bin;

typedef struct {
    pt_calibration_bin bin[PT_CALIBRATION_BINS];
    double confidence; /* mean of all */
    double error; /* expected calibration error (Guo et al., ICML 2017, equation 3): mean
                     over images of |accuracy - confidence| of their bin */
} pt_calibration;

/* Of logits [n][c] with labels [n]. PT_ERR_NOMEM. */
PT_MUST_USE pt_status pt_calibration_of(const float *logits, const int *labels, size_t n,
                                        int c, pt_calibration *out);

#endif
