/* Fully connected layer: y = x w + bias. x [n][n_in], w [n_in][n_out], y [n][n_out].
 *
 * Rule of bits: y and dx come from loops in which a row's bits do not depend on the other
 * rows (linear_rows.h), so all rows share a pass over w; weight gradients are products of
 * OpenBLAS by shard. Columns, or rows of dw, are cut into tiles by the layer alone, so
 * that threads share the work. Local; no allocation; cannot fail. Buffers do not
 * overlap. */
#ifndef PT_WORKER_LINEAR_H
#define PT_WORKER_LINEAR_H

#include <stdbool.h>
#include <stddef.h>

#include "common/shards.h"
#include "worker/engine/pool.h"

/* group_begin  [n_groups + 1] rising: group g is rows group_begin[g] ..
 *              group_begin[g + 1] - 1 of x and y. The bits do not depend on how rows are
 *              grouped; a product by OpenBLAS would need groups that are part of the
 *              run's identity (a virtual shard, an evaluation block of 32 images)
 * bias         [n_out], or NULL
 * y            out, overwritten
 */
void pt_linear_forward(pt_pool *p, int n_in, int n_out, const int *group_begin,
                       int n_groups, const float *x, const float *w, const float *bias,
                       float *y);

/* dx = (accumulate ? dx : 0) + dy w^T, by the same groups. */
void pt_linear_backward_data(pt_pool *p, int n_in, int n_out, const int *group_begin,
                             int n_groups, const float *dy, const float *w,
                             bool accumulate, float *dx);

/* Floats of scratch per thread for pt_linear_backward_weights; a multiple of 16. */
size_t pt_linear_scratch(int n_in, int n_out, int n_shards);

/* dw[t] [n_in][n_out] and db[t] [n_out]: sums over cover sub-tree t of the span, formed
 * and tree-summed tile by tile; not touched where the sub-tree has no images.
 *
 * x, dy    all images of the span
 * db       NULL: there is no bias
 * scratch  [threads of the pool][pt_linear_scratch()]
 */
void pt_linear_backward_weights(pt_pool *p, int n_in, int n_out, const pt_span *span,
                                const float *x, const float *dy, float *const *dw,
                                float *const *db, float *scratch);

#endif
