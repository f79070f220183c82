#include "server/methods/spectrum.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SWEEPS = 40 };

/* Turns rows and columns p and q of a [n][n] so that a[p][q] becomes 0, and v with it
 * (Golub and Van Loan, section 8.5.2). */
static void rotate(double *a, double *v, int n, int p, int q)
{
    size_t w = (size_t)n, ip = (size_t)p * w, iq = (size_t)q * w;
    double apq = a[ip + (size_t)q];
    double tau = (a[iq + (size_t)q] - a[ip + (size_t)p]) / (2 * apq);
    double t = (tau < 0 ? -1 : 1) / (fabs(tau) + sqrt(1 + tau * tau));
    double c = 1 / sqrt(1 + t * t), s = t * c;

    for (size_t i = 0; i < w; i++) { /* columns */
        double x = a[i * w + (size_t)p], y = a[i * w + (size_t)q];

        a[i * w + (size_t)p] = c * x - s * y;
        a[i * w + (size_t)q] = s * x + c * y;
    }
    for (size_t i = 0; i < w; i++) { /* rows; of v, whose rows become eigenvectors, too */
        double x = a[ip + i], y = a[iq + i], vx = v[ip + i], vy = v[iq + i];

        a[ip + i] = c * x - s * y;
        a[iq + i] = s * x + c * y;
        v[ip + i] = c * vx - s * vy;
        v[iq + i] = s * vx + c * vy;
    }
    a[ip + (size_t)q] = a[iq + (size_t)p] = 0;
}

/* a [n][n] symmetric becomes diagonal; row i of v is the eigenvector of a[i][i]. */
static void diagonalize(double *a, double *v, int n)
{
    size_t w = (size_t)n;
    double all = 0;

    memset(v, 0, w * w * sizeof *v);
    for (size_t i = 0; i < w; i++) v[i * w + i] = 1;
    for (size_t i = 0; i < w * w; i++) all += a[i] * a[i];
    for (int sweep = 0; sweep < MAX_SWEEPS; sweep++) {
        double off = 0;

        for (int p = 0; p < n; p++)
            for (int q = p + 1; q < n; q++) {
                double x = a[(size_t)p * w + (size_t)q];
                off += x * x;
            }
        if (!(off > 1e-32 * all)) return;
        for (int p = 0; p < n; p++)
            for (int q = p + 1; q < n; q++)
                if (a[(size_t)p * w + (size_t)q] != 0) rotate(a, v, n, p, q);
    }
}

/* f f^T, or f^T f where there are fewer columns than rows. */
static void gram(const double *f, int n, int dims, size_t stride, double *a)
{
    bool rows = n <= dims;
    size_t w = (size_t)(rows ? n : dims), len = (size_t)(rows ? dims : n);

    for (size_t i = 0; i < w; i++)
        for (size_t j = 0; j <= i; j++) {
            double sum = 0;

            for (size_t c = 0; c < len; c++)
                sum += rows ? f[i * stride + c] * f[j * stride + c]
                            : f[c * stride + i] * f[c * stride + j];
            a[i * w + j] = a[j * w + i] = sum;
        }
}

/* The eigenvector of f f^T (or f^T f) is one of the two; the other is f's image of it. */
static void pair(const double *f, int n, int dims, size_t stride, const double *vector,
                 double *factor, double *direction)
{
    bool rows = n <= dims;

    memcpy(rows ? factor : direction, vector, (size_t)(rows ? n : dims) * sizeof *vector);
    for (int i = 0; i < n && !rows; i++) {
        factor[i] = 0;
        for (int c = 0; c < dims; c++)
            factor[i] += f[(size_t)i * stride + (size_t)c] * direction[c];
    }
    for (int c = 0; c < dims && rows; c++) {
        direction[c] = 0;
        for (int i = 0; i < n; i++)
            direction[c] += factor[i] * f[(size_t)i * stride + (size_t)c];
    }
}

/* The row of the smallest diagonal element of a that is not used yet. */
static int smallest(const double *a, int n, const bool *used)
{
    int best = -1;

    for (int i = 0; i < n; i++) {
        size_t w = (size_t)n + 1;

        if (!used[i] && (best < 0 || a[(size_t)i * w] < a[(size_t)best * w])) best = i;
    }
    return best;
}

pt_status pt_spectrum_smallest(const double *f, int n, int dims, size_t stride, int k,
                               double *factor, double *direction, double *sum)
{
    int m = n <= dims ? n : dims;
    size_t w = (size_t)m;
    double *a = pt_calloc(w * w, sizeof *a), *v = pt_calloc(w * w, sizeof *v);
    bool *used = pt_calloc(w, sizeof *used);
    pt_status s = PT_OK;

    *sum = 0;
    memset(factor, 0, (size_t)k * (size_t)n * sizeof *factor);
    memset(direction, 0, (size_t)k * (size_t)dims * sizeof *direction);
    if (!a || !v || !used) s = pt_fail(PT_ERR_NOMEM, "no memory for singular values");
    if (s == PT_OK) {
        gram(f, n, dims, stride, a);
        diagonalize(a, v, m);
    }
    for (int j = 0; j < k && j < m && s == PT_OK; j++) {
        int i = smallest(a, m, used);
        double value = a[(size_t)i * (w + 1)];

        used[i] = true;
        *sum += value > 0 ? value : 0;
        pair(f, n, dims, stride, v + (size_t)i * w, factor + (size_t)j * (size_t)n,
             direction + (size_t)j * (size_t)dims);
    }
    free(a);
    free(v);
    free(used);
    return s;
}
