#include "server/squares.h"

#include "common/base/simd.h"

/* Lanes of AVX2; twice as many need shuffles between the halves of what they convert. */
enum { LANES = 4, CHAINS = 8, ROW = LANES * CHAINS };

typedef float floats __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef double lanes __attribute__((vector_size(8 * LANES)));

PT_CLONES double pt_squares_of(const float *x, size_t n)
{
    lanes sum[CHAINS] = {{0}}, all;
    double tail = 0;
    size_t i = 0;

    for (; i + ROW <= n; i += ROW)
        for (int c = 0; c < CHAINS; c++) {
            lanes v =
                __builtin_convertvector(*(const floats *)(x + i + c * LANES), lanes);

            sum[c] += v * v;
        }
    for (; i < n; i++) tail += (double)x[i] * x[i];
    for (int c = 0; c < CHAINS / 2; c++) sum[c] += sum[c + CHAINS / 2];
    all = (sum[0] + sum[2]) + (sum[1] + sum[3]);
    return ((all[0] + all[2]) + (all[1] + all[3])) + tail;
}

double pt_squares_add(const double *sums, size_t n)
{
    if (n <= 1) return n == 1 ? sums[0] : 0;
    return pt_squares_add(sums, n / 2) + pt_squares_add(sums + n / 2, n - n / 2);
}

float pt_squares_clip(double norm, double limit)
{
    double factor = limit / (norm + 1e-6);

    return factor < 1 ? (float)factor : 1;
}
