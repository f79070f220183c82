/* Plain references of the heavy kernels: direct loops in double, layouts of the engine's
 * headers. Slow, and simple enough to be read as the definition. */
#ifndef PT_TESTS_PLAIN_H
#define PT_TESTS_PLAIN_H

#include "worker/engine/conv/conv.h"

/* bias may be NULL. All outputs are overwritten, sums over all n images. */
void plain_conv_forward(const pt_conv_shape *s, int n, const float *x, const float *w,
                        const float *bias, double *y);
void plain_conv_backward_data(const pt_conv_shape *s, int n, const float *dy,
                              const float *w, double *dx);
void plain_conv_backward_weights(const pt_conv_shape *s, int n, const float *x,
                                 const float *dy, double *dw, double *db);

void plain_depthwise_forward(const pt_conv_shape *s, int n, const float *x,
                             const float *w, const float *bias, double *y);
void plain_depthwise_backward_data(const pt_conv_shape *s, int n, const float *dy,
                                   const float *w, double *dx);
void plain_depthwise_backward_weights(const pt_conv_shape *s, int n, const float *x,
                                      const float *dy, double *dw, double *db);

void plain_linear_forward(int n_in, int n_out, int n, const float *x, const float *w,
                          const float *bias, double *y);
void plain_linear_backward_data(int n_in, int n_out, int n, const float *dy,
                                const float *w, double *dx);
void plain_linear_backward_weights(int n_in, int n_out, int n, const float *x,
                                   const float *dy, double *dw, double *db);

/* The nearest number of eight bits, ties to even: bfloat16's definition. */
float plain_bf16(float x);

/* |got - want| / |want| in the 2-norm (|got| if want is 0); NaN in got gives infinity. */
double plain_distance(const float *got, const double *want, size_t n);

#endif
