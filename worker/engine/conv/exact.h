/* Convolution with any kernel, stride and padding by the exact product (gemm.h): windows
 * of some pixels times packed weights. Arguments and layouts are those of conv.h.
 * Internal to the engine. */
#ifndef PT_WORKER_ENGINE_CONV_EXACT_H
#define PT_WORKER_ENGINE_CONV_EXACT_H

#include "common/run/shards.h"
#include "worker/engine/conv/conv_shape.h"
#include "worker/engine/threads.h"
#include "worker/engine/values.h"

void pt_exact_forward(pt_threads *p, const pt_conv_shape *s, int n_images, pt_values x,
                      const float *w, const float *bias, bool relu, pt_values y,
                      float *scratch);
void pt_exact_data(pt_threads *p, const pt_conv_shape *s, int n_images, pt_values dy,
                   const float *w, bool accumulate, pt_values mask, pt_values dx,
                   float *scratch);
void pt_exact_weights(pt_threads *p, const pt_conv_shape *s, const pt_span *span,
                      pt_values x, pt_values dy, float *const *dw, float *scratch);
size_t pt_exact_scratch(const pt_conv_shape *s, int n_threads);
size_t pt_exact_weights_scratch(const pt_conv_shape *s, const pt_span *span,
                                int n_threads);

#endif
