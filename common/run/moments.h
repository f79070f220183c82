/* Count, mean and M2 = sum (x - mean)^2 per channel, in double, merged by Chan, Golub and
 * LeVeque's formula (1979) along the tree over the shards. Pure.
 *
 * Layout of one value: [1 + 2 C] doubles: n, mean[C], m2[C]. */
#ifndef PT_COMMON_RUN_MOMENTS_H
#define PT_COMMON_RUN_MOMENTS_H

#include <stddef.h>

static inline size_t pt_moments_len(size_t channels)
{
    return 1 + 2 * channels;
}

/* Two passes over x [rows][channels] float: the mean, then the squared distances. Rows
 * are summed in order. rows >= 1. */
void pt_moments_of(const float *x, size_t rows, size_t channels, double *out);

/* into <- into merged with from; both have n >= 1. Not symmetric in its rounding: the
 * left child of a node is `into`. Not overlapping. */
void pt_moments_merge(double *into, const double *from, size_t channels);

/* running <- (1 - momentum) * running + momentum * new, with the mean and the unbiased
 * variance m2 / max(n - 1, 1): computed in double, rounded to float once. mean, var:
 * [channels] float, in place. */
void pt_moments_update_running(const double *moments, size_t channels, float momentum,
                               float *mean, float *var);

#endif
