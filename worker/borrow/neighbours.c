#include "worker/borrow/neighbours.h"

#include <math.h>
#include <stdbool.h>

#include "common/base/pmath.h"

enum { LANES = 8 };
static const double tiny = 1e-6;

void pt_shares(const uint16_t *counts, const double *w, int maps, int bins, double *out)
{
    double *logs = out + (size_t)maps * (size_t)bins;

    for (int m = 0; m < maps; m++) {
        const uint16_t *of = counts + (size_t)m * (size_t)bins;
        uint32_t total = 0;

        for (int b = 0; b < bins; b++) total += of[b];
        for (int b = 0; b < bins; b++) {
            size_t i = (size_t)m * (size_t)bins + (size_t)b;
            double share = total > 0 ? (double)of[b] / total : 0;

            out[i] = w[m] * share;
            logs[i] = pt_log(share + tiny);
        }
    }
}

/* Both terms together: (w p - w q) (ln p - ln q). */
double pt_divergence(const double *p, const double *q, size_t n)
{
    size_t i = 0;
    double lane[LANES] = {0}, sum = 0;

    for (; i + LANES <= n; i += LANES)
        for (int k = 0; k < LANES; k++)
            lane[k] += (p[i + k] - q[i + k]) * (p[n + i + k] - q[n + i + k]);
    for (; i < n; i++) lane[0] += (p[i] - q[i]) * (p[n + i] - q[n + i]);
    for (int k = 0; k < LANES; k++) sum += lane[k];
    return sum / 2;
}

void pt_neighbours_clear(pt_neighbour *list, size_t k)
{
    for (size_t i = 0; i < k; i++)
        list[i] = (pt_neighbour){.distance = INFINITY, .image = UINT32_MAX};
}

static bool nearer(const pt_neighbour *a, const pt_neighbour *b)
{
    if (a->distance != b->distance) return a->distance < b->distance;
    return a->image < b->image;
}

void pt_neighbours_add(pt_neighbour *list, size_t k, double distance, uint32_t image)
{
    pt_neighbour one = {.distance = distance, .image = image};
    size_t lo = 0, hi = k;

    if (k == 0 || !nearer(&one, &list[k - 1])) return;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;

        if (nearer(&one, &list[mid]))
            hi = mid;
        else
            lo = mid + 1;
    }
    for (size_t i = k - 1; i > lo; i--) list[i] = list[i - 1];
    list[lo] = one;
}
