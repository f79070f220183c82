/* Convolution with any kernel, stride and padding by the exact product (gemm.h): windows
 * of some pixels times packed weights. Arguments and layouts are those of conv.h.
 * Internal to the engine. */
#ifndef PT_WORKER_ENGINE_CONV_EXACT_H
#define PT_WORKER_ENGINE_CONV_EXACT_H

#include "common/run/shards.h"
#include "worker/engine/conv/conv_shape.h"
#include "worker/engine/threads.h"

void pt_exact_forward(pt_threads *p, const pt_conv_shape *s, int n_images, const float *x,
                      const float *w, const float *bias, bool relu, float *y,
                      float *scratch);
void pt_exact_data(pt_threads *p, const pt_conv_shape *s, int n_images, const float *dy,
                   const float *w, bool accumulate, const float *mask, float *dx,
                   float *scratch);
void pt_exact_weights(pt_threads *p, const pt_conv_shape *s, const pt_span *span,
                      const float *x, const float *dy, float *const *dw, float *scratch);
size_t pt_exact_scratch(const pt_conv_shape *s, int n_threads);
size_t pt_exact_weights_scratch(const pt_conv_shape *s, const pt_span *span,
                                int n_threads);

#endif
