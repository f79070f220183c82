/* Depthwise convolution: one filter per channel, direct loops over channels.
 *
 * Layouts and contracts are those of conv.h with c_in == c_out == c and weights
 * [kh][kw][c]. Every output element is one chain of additions in a fixed order. Local; no
 * allocation; cannot fail. */
#ifndef PT_WORKER_ENGINE_CONV_DEPTHWISE_H
#define PT_WORKER_ENGINE_CONV_DEPTHWISE_H

#include "common/run/shards.h"
#include "worker/engine/conv/conv_shape.h"
#include "worker/engine/threads.h"
#include "worker/engine/values.h"

/* Floats of scratch that any of the three passes needs with spans of these shards,
 * aligned to 64 bytes. */
size_t pt_depthwise_scratch(const pt_conv_shape *s, const pt_span *span, int n_threads);

/* y = conv(x, w) (+ bias, may be NULL); overwritten. */
void pt_depthwise_forward(pt_threads *p, const pt_conv_shape *s, int n_images,
                          pt_values x, const float *w, const float *bias, pt_values y,
                          float *scratch);

/* dx = (accumulate ? dx : 0) + d(y)/d(x) * dy. */
void pt_depthwise_backward_data(pt_threads *p, const pt_conv_shape *s, int n_images,
                                pt_values dy, const float *w, bool accumulate,
                                pt_values dx, float *scratch);

/* dw[t] [kh][kw][c] and db[t] [c]: sums over cover sub-tree t of the span; not touched
 * where it has no images. db NULL: there is no bias. */
void pt_depthwise_backward_weights(pt_threads *p, const pt_conv_shape *s,
                                   const pt_span *span, pt_values x, pt_values dy,
                                   float *const *dw, float *const *db, float *scratch);

#endif
