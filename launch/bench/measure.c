#include "launch/bench/measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double pt_bench_median(double *x, int n)
{
    qsort(x, (size_t)n, sizeof *x, by_size);
    return n % 2 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
}

uint64_t pt_bench_peak_rss(void)
{
    struct rusage u;

    return getrusage(RUSAGE_SELF, &u) == 0 ? (uint64_t)u.ru_maxrss * 1024 : 0;
}

pt_status pt_bench_print_json(json_t *j)
{
    char *text = j ? json_dumps(j, JSON_REAL_PRECISION(9)) : NULL;
    pt_status s = PT_OK;

    json_decref(j);
    if (!text) return pt_fail(PT_ERR_NOMEM, "no memory for the result");
    if (printf("%s\n", text) < 0 || fflush(stdout) != 0)
        s = pt_fail(PT_ERR_IO, "the output cannot be written");
    free(text);
    return s;
}
