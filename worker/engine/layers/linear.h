/* Fully connected layer: y = x w + bias. x [n][n_in], w [n_in][n_out], y [n][n_out].
 *
 * By the exact product (gemm.h): rows of all shards share a pass over w, which is read
 * once, and the bits of a row do not depend on the others. bf16: x, w and dy are rounded
 * for the first two passes (gemm.h). The gradient of the weights always takes floats: it
 * is bound by memory, and servers may form it (common/run/outer.h). Local; no allocation;
 * cannot fail. Buffers do not overlap. */
#ifndef PT_WORKER_ENGINE_LAYERS_LINEAR_H
#define PT_WORKER_ENGINE_LAYERS_LINEAR_H

#include <stdbool.h>
#include <stddef.h>

#include "common/run/shards.h"
#include "worker/engine/threads.h"

/* Floats of scratch that any of the three passes needs. */
size_t pt_linear_scratch(int n_in, int n_out, int n_rows, int n_shards, int n_threads);

/* bias     [n_out], or NULL
 * y        out, overwritten
 * scratch  pt_linear_scratch() floats, aligned to 64 bytes
 */
void pt_linear_forward(pt_threads *p, int n_in, int n_out, int n_rows, bool bf16,
                       const float *x, const float *w, const float *bias, float *y,
                       float *scratch);

/* dx = (accumulate ? dx : 0) + dy w^T. */
void pt_linear_backward_data(pt_threads *p, int n_in, int n_out, int n_rows, bool bf16,
                             const float *dy, const float *w, bool accumulate, float *dx,
                             float *scratch);

/* dw[t] [n_in][n_out] and db[t] [n_out]: sums over cover sub-tree t of the span; not
 * touched where the sub-tree has no images.
 *
 * x, dy    all images of the span
 * rows     [n_in]: which rows of dw are wanted, others may be left as they are; NULL: all
 * db       NULL: there is no bias
 */
void pt_linear_backward_weights(pt_threads *p, int n_in, int n_out, const pt_span *span,
                                const float *x, const float *dy, const bool *rows,
                                float *const *dw, float *const *db, float *scratch);

#endif
