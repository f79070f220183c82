/* Windows of an image as rows of a matrix. Layouts of conv.h. Local; no
 * allocation; cannot fail. */
#ifndef PT_WORKER_ENGINE_CONV_IM2COL_H
#define PT_WORKER_ENGINE_CONV_IM2COL_H

#include "worker/engine/conv/conv_shape.h"
#include "worker/engine/values.h"

/* Some consecutive rows of the weight matrix [kh * kw * c_in][c_out]: n_taps kernel
 * positions (ki * kw + kj) from tap0 with all channels, or n_c channels from c0 of one.
 */
typedef struct {
    int tap0, n_taps, c0, n_c;
} pt_taps;

/* All of them. */
pt_taps pt_taps_all(const pt_conv_shape *s);

/* The windows of output rows row0 .. row0 + n_rows - 1.
 *
 * image    [h][w][c_in]
 * col      out, [n_rows * out_w] rows of n_taps * n_c values like the image's, `ld`
 * values apart; zero where a window is outside the image
 */
void pt_im2col(const pt_conv_shape *s, const pt_taps *t, int row0, int n_rows,
               pt_values image, void *col, size_t ld);

#endif
