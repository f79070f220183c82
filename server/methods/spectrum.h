/* The smallest singular values of a small matrix, for Batch Spectral Shrinkage. Pure: one
 * order of operations, double throughout. */
#ifndef PT_SERVER_METHODS_SPECTRUM_H
#define PT_SERVER_METHODS_SPECTRUM_H

#include "common/base/status.h"

/* Of f [n][dims], row i at f + i * stride: the k smallest of its min(n, dims) singular
 * values. For the j-th of them, from the smallest on,
 *
 *     d sigma_j^2 / d f[i][c] = 2 * factor[j][i] * direction[j][c]
 *
 * factor [k][n], direction [k][dims]; zeros from j = min(n, dims) on. *sum: of their
 * squares. From the eigenvectors of the smaller Gram matrix, by Jacobi's method: a
 * singular value has an absolute error of about 1e-8 of the largest one. Equal ones give
 * one of the possible bases, the same everywhere. O(n^2 dims + n^3); PT_ERR_NOMEM. */
PT_MUST_USE pt_status pt_spectrum_smallest(const double *f, int n, int dims,
                                           size_t stride, int k, double *factor,
                                           double *direction, double *sum);

#endif
