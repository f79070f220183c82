/* What Winograd does with lanes of channels (common/gemm/lanes.h): the transforms, from
 * memory and to memory. There is a set of functions for lanes of eight and, where the CPU
 * has registers for them, one of sixteen; the bits are the same. Internal. */
#ifndef PT_WORKER_ENGINE_CONV_WINOGRAD_LANES_H
#define PT_WORKER_ENGINE_CONV_WINOGRAD_LANES_H

#include "worker/engine/conv/conv_shape.h"
#include "worker/engine/values.h"

enum { PT_TILE = 4, PT_PATCH = 6, PT_POINTS = PT_PATCH * PT_PATCH };

/* Where a pass writes its output, and how. */
typedef struct {
    const pt_conv_shape *s; /* of the convolution that is computed */
    const float *bias;      /* NULL: there is none */
    pt_values mask, y;
    bool accumulate, relu;
} pt_winograd_output;

typedef struct {
    /* G g G^T: one panel of all points, [rows][16] at to[point * point_step], from 9
     * taps [rows][n] whose rows lie row_step apart; n <= 16, columns from n on become 0.
     */
    void (*filter)(const float *taps, size_t tap_step, size_t row_step, size_t n,
                   size_t rows, size_t point_step, float *to);

    /* B^T d B of a patch (pixels outside the image are none): channels first ..
     * first + n - 1 to v[point * point_step]. */
    void (*input)(const pt_values pixel[PT_POINTS], bool bf16, size_t first, size_t n,
                  size_t point_step, float *v);

    /* A^T m A to the tile at (row, column) of an image: channels first .. first + n - 1,
     * from m[point * step], whole panels. */
    void (*output)(const pt_winograd_output *o, size_t image, int row, int column,
                   size_t first, size_t n, const float *m, size_t step);

    /* A dy A^T of the tile at (row, column) of dy [out_h][out_w][c_out]: n channels to
     * z[point * step], panels that lie panel_step apart; the last is filled up with 0. */
    void (*spread)(const pt_conv_shape *s, pt_values dy, int row, int column, size_t n,
                   size_t panel_step, size_t step, float *z);

    /* out [9][n_in][n_out] = G^T u G from u[point * step] [n_in][whole panels]. */
    void (*gradient)(const float *u, size_t step, size_t n_in, size_t n_out, float *out);
} pt_winograd_lanes;

extern const pt_winograd_lanes pt_winograd_eight, pt_winograd_sixteen;

/* The widest that this CPU has registers for. */
const pt_winograd_lanes *pt_winograd_lanes_in_use(void);

#endif
