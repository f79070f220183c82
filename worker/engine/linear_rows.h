/* Products of few rows with a large weight matrix that is read once. Each output element
 * is computed by itself in an order that depends on the layer alone, so a row has the
 * same bits in whatever company: rows of several shards may share a call. Plain loops;
 * OpenBLAS packs the whole matrix for each shard and rows change with their number.
 *
 * Local; no allocation; cannot fail. */
#ifndef PT_WORKER_LINEAR_ROWS_H
#define PT_WORKER_LINEAR_ROWS_H

#include <stdbool.h>
#include <stddef.h>

enum { PT_ROWS_COLUMNS = 256 };

/* y [n_rows][n of ld_out] = x [n_rows][n_in] w [n_in][n of ld_out] (+ bias [n], or NULL),
 * n <= PT_ROWS_COLUMNS. Sums over 256 inputs at a time, in order, then over those. */
void pt_rows_forward(size_t n_rows, size_t n_in, size_t n, size_t ld_out, const float *x,
                     const float *w, const float *bias, float *y);

/* dx [n_rows][n of ld_in] = (accumulate ? dx : 0) + dy [n_rows][n_out] w^T, where w is
 * [n][n_out]. Sixteen chains over the outputs, joined as a tree. */
void pt_rows_backward(size_t n_rows, size_t n_out, size_t n, size_t ld_in,
                      const float *dy, const float *w, bool accumulate, float *dx);

#endif
