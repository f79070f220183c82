/* What the programs of this folder share. */
#ifndef PT_TESTS_BENCH_MEASURE_H
#define PT_TESTS_BENCH_MEASURE_H

#include <stdio.h>
#include <stdlib.h>

#include "common/base/status.h"

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

/* [n] floats, to be freed; ends the program where there is no memory. */
static inline float *measure_floats(size_t n)
{
    float *x = pt_calloc(n, sizeof *x);

    if (x) return x;
    fprintf(stderr, "error: no memory for %zu floats\n", n);
    exit(1);
}

#endif
