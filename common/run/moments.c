#include "common/run/moments.h"

#include <string.h>

/* Four rows at a time: one load and store of a sum for four additions, which stay in the
 * order of the rows. */
static void add_rows(const float *restrict x, size_t rows, size_t channels,
                     double *restrict sum)
{
    size_t r = 0;

    for (; r + 4 <= rows; r += 4) {
        const float *a = x + r * channels, *b = a + channels, *c = b + channels,
                    *d = c + channels;
        for (size_t k = 0; k < channels; k++)
            sum[k] = (((sum[k] + a[k]) + b[k]) + c[k]) + d[k];
    }
    for (; r < rows; r++)
        for (size_t k = 0; k < channels; k++) sum[k] += x[r * channels + k];
}

static double square(double x)
{
    return x * x;
}

static void add_squares(const float *restrict x, size_t rows, size_t channels,
                        const double *restrict mean, double *restrict m2)
{
    size_t r = 0;

    for (; r + 4 <= rows; r += 4) {
        const float *a = x + r * channels, *b = a + channels, *c = b + channels,
                    *d = c + channels;
        for (size_t k = 0; k < channels; k++)
            m2[k] = (((m2[k] + square(a[k] - mean[k])) + square(b[k] - mean[k])) +
                     square(c[k] - mean[k])) +
                    square(d[k] - mean[k]);
    }
    for (; r < rows; r++)
        for (size_t k = 0; k < channels; k++)
            m2[k] += square(x[r * channels + k] - mean[k]);
}

void pt_moments_of(const float *x, size_t rows, size_t channels, double *out)
{
    double *mean = out + 1, *m2 = mean + channels;

    memset(out, 0, pt_moments_len(channels) * sizeof *out);
    out[0] = (double)rows;
    add_rows(x, rows, channels, mean);
    for (size_t k = 0; k < channels; k++) mean[k] /= (double)rows;
    add_squares(x, rows, channels, mean, m2);
}

void pt_moments_merge(double *into, const double *from, size_t channels)
{
    double na = into[0], nb = from[0], n = na + nb;
    double *mean = into + 1, *m2 = mean + channels;
    const double *other = from + 1, *other_m2 = other + channels;

    for (size_t k = 0; k < channels; k++) {
        double d = other[k] - mean[k];
        mean[k] += d * (nb / n);
        m2[k] = (m2[k] + other_m2[k]) + d * d * (na * (nb / n));
    }
    into[0] = n;
}

void pt_moments_update_running(const double *moments, size_t channels, float momentum,
                               float *mean, float *var)
{
    double n = moments[0], m = momentum, keep = 1 - m;
    const double *new_mean = moments + 1, *m2 = new_mean + channels;

    for (size_t k = 0; k < channels; k++) {
        double unbiased = m2[k] / (n > 2 ? n - 1 : 1);
        mean[k] = (float)(keep * mean[k] + m * new_mean[k]);
        var[k] = (float)(keep * var[k] + m * unbiased);
    }
}
