/* What the programs of this folder share. */
#ifndef PT_TESTS_BENCH_MEASURE_H
#define PT_TESTS_BENCH_MEASURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/sizes.h"

static inline int measure_by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* The median of x [n], which is sorted. */
static inline double measure_median(double *x, size_t n)
{
    qsort(x, n, sizeof *x, measure_by_value);
    return n % 2 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
}

/* Of this clock. */
static inline double measure_seconds(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* [n] floats, zero, to be freed; aligned to 64 bytes, as the engine's are, so that no
 * load crosses a line. Ends the program where there is no memory. */
static inline float *measure_floats(size_t n)
{
    size_t bytes = pt_round_up(pt_mul(n, sizeof(float)), 64);
    float *x = aligned_alloc(64, bytes);

    if (x) return memset(x, 0, bytes);
    fprintf(stderr, "error: no memory for %zu floats\n", n);
    exit(1);
}

/* The same, of both signs. */
static inline float *measure_numbers(size_t n)
{
    float *x = measure_floats(n);

    for (size_t i = 0; i < n; i++) x[i] = (float)(i % 17) * 0.1f - 0.8f;
    return x;
}

#endif
