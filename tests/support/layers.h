/* Convolution, depthwise convolution and linear layer behind one interface, with their
 * buffers, so that one test covers them all. */
#ifndef PT_TESTS_LAYERS_H
#define PT_TESTS_LAYERS_H

#include <stdint.h>

#include "common/run/shards.h"
#include "worker/engine/conv/conv.h"

typedef enum { LAYER_CONV, LAYER_DEPTHWISE, LAYER_LINEAR } layer_kind;

/* A linear layer has the shape of a 1x1 convolution of one pixel. Every size is for one
 * image. */
typedef struct {
    layer_kind kind;
    pt_conv_shape s;
    size_t x_floats, y_floats, w_floats, c_out;
} layer;

layer layer_of(layer_kind kind, const pt_conv_shape *s);

/* "conv 5x7x3 -> 5x7x16, 3x3/1"; static storage. */
const char *layer_text(const layer *l);

/* n floats ~ N(0, 1), a function of seed and index alone; malloc'ed. */
float *layer_random(uint64_t seed, size_t n);
float *layer_nan(size_t n); /* n NaNs */

/* What a layer asks for, exactly, so that the address sanitizer sees what lies outside;
 * filled with NaN; malloc'ed. */
float *layer_scratch(const layer *l, pt_threads *p, const pt_span *span);

/* The three passes, with scratch like that. */
void layer_forward(const layer *l, pt_threads *p, const pt_span *span, const float *x,
                   const float *w, const float *bias, float *y);
void layer_backward_data(const layer *l, pt_threads *p, const pt_span *span,
                         const float *dy, const float *w, bool accumulate, float *dx);
void layer_backward_weights(const layer *l, pt_threads *p, const pt_span *span,
                            const float *x, const float *dy, float *const *dw,
                            float *const *db);

/* Convolutions: followed by a ReLU, and with the mask of one. */
void layer_forward_relu(const layer *l, pt_threads *p, const pt_span *span,
                        const float *x, const float *w, const float *bias, float *y);
void layer_backward_masked(const layer *l, pt_threads *p, const pt_span *span,
                           const float *dy, const float *w, bool accumulate,
                           const float *mask, float *dx);

/* The references, n images. */
void layer_plain_forward(const layer *l, int n, const float *x, const float *w,
                         const float *bias, double *y);
void layer_plain_backward(const layer *l, int n, const float *x, const float *w,
                          const float *dy, double *dx, double *dw, double *db);

#endif
