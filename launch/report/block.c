#include "launch/report/block.h"

#include <math.h>

double pt_rounded(double x)
{
    return round(100 * x) / 100 + 0.0;
}

pt_stat pt_stat_of(const double *x, size_t n)
{
    pt_stat s = {0, NAN, NAN};
    double sum = 0, squares = 0;

    for (size_t i = 0; i < n; i++) {
        if (!isfinite(x[i])) continue;
        sum += x[i];
        s.n++;
    }
    if (s.n == 0) return s;
    s.mean = sum / (double)s.n;
    for (size_t i = 0; i < n; i++)
        if (isfinite(x[i])) squares += (x[i] - s.mean) * (x[i] - s.mean);
    if (s.n > 1) s.std = sqrt(squares / (double)(s.n - 1));
    return s;
}

const pt_finished_run *pt_method_runs_find(const pt_method_runs *m, uint64_t seed)
{
    for (size_t i = 0; i < m->n_runs; i++)
        if (m->runs[i]->seed == seed) return m->runs[i];
    return NULL;
}

const pt_finished_run *pt_method_runs_tested(const pt_method_runs *m)
{
    for (size_t i = 0; i < m->n_runs; i++)
        if (isfinite(m->runs[i]->test)) return m->runs[i];
    return NULL;
}

size_t pt_method_runs_differences(const pt_method_runs *a, const pt_method_runs *b,
                                  double *d)
{
    size_t n = 0;

    for (size_t i = 0; i < a->n_runs; i++) {
        const pt_finished_run *other = pt_method_runs_find(b, a->runs[i]->seed);

        if (other && isfinite(a->runs[i]->test) && isfinite(other->test))
            d[n++] = a->runs[i]->test - other->test;
    }
    return n;
}
