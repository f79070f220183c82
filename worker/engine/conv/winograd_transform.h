/* Winograd F(4x4,3x3) on lanes of channels, as wide as lanes.h has them: the transforms,
 * and the functions of winograd_lanes.h. A source file that includes this one defines
 * LANE_FUNCTION before, what stands before such a function. Names of matrices as in Lavin
 * & Gray: B^T d B (input), G g G^T (filter), A^T m A (output), and the adjoints of the
 * last two for the gradient of the weights. Internal. */
#ifndef PT_WORKER_ENGINE_CONV_WINOGRAD_TRANSFORM_H
#define PT_WORKER_ENGINE_CONV_WINOGRAD_TRANSFORM_H

#include "common/base/sizes.h"
#include "common/gemm/panels.h"
#include "worker/engine/conv/winograd_lanes.h"
#include "worker/engine/value_lanes.h"

/* One dimension of each; the elements of from and to lie `step` vectors apart. */

/* 6 -> 6: B^T d */
PT_INLINE void pt_input_1d(const pt_lanes *from, int step, pt_lanes *to, int to_step)
{
    pt_lanes d0 = from[0], d1 = from[step], d2 = from[2 * step], d3 = from[3 * step];
    pt_lanes d4 = from[4 * step], d5 = from[5 * step];
    pt_lanes a = d4 - 4 * d2, b = d3 - 4 * d1, c = d4 - d2, e = d3 - d1;

    e = e + e;
    to[0] = 4 * d0 - 5 * d2 + d4;
    to[to_step] = a + b;
    to[2 * to_step] = a - b;
    to[3 * to_step] = c + e;
    to[4 * to_step] = c - e;
    to[5 * to_step] = 4 * d1 - 5 * d3 + d5;
}

/* 6 -> 4: A^T m */
PT_INLINE void pt_output_1d(const pt_lanes *from, int step, pt_lanes *to, int to_step)
{
    pt_lanes m0 = from[0], m5 = from[5 * step];
    pt_lanes s1 = from[step] + from[2 * step], d1 = from[step] - from[2 * step];
    pt_lanes s2 = from[3 * step] + from[4 * step], d2 = from[3 * step] - from[4 * step];

    to[0] = m0 + s1 + s2;
    to[to_step] = d1 + (d2 + d2);
    to[2 * to_step] = s1 + 4 * s2;
    to[3 * to_step] = d1 + 8 * d2 + m5;
}

/* 4 -> 6: A y */
PT_INLINE void pt_spread_1d(const pt_lanes *from, int step, pt_lanes *to, int to_step)
{
    pt_lanes y0 = from[0], y1 = from[step], y2 = from[2 * step], y3 = from[3 * step];
    pt_lanes e = y0 + y2, o = y1 + y3, e2 = y0 + 4 * y2, o2 = (y1 + y1) + 8 * y3;

    to[0] = y0;
    to[to_step] = e + o;
    to[2 * to_step] = e - o;
    to[3 * to_step] = e2 + o2;
    to[4 * to_step] = e2 - o2;
    to[5 * to_step] = y3;
}

/* 3 -> 6: G g */
PT_INLINE void pt_filter_1d(const pt_lanes *from, int step, pt_lanes *to, int to_step)
{
    pt_lanes g0 = from[0], g1 = from[step], g2 = from[2 * step];
    pt_lanes e = (g0 + g2) * (-1.0f / 6), o = g1 * (1.0f / 6);
    pt_lanes e2 = g0 * (1.0f / 24) + g2 * (1.0f / 6), o2 = g1 * (1.0f / 12);

    to[0] = g0 * 0.25f;
    to[to_step] = e - o;
    to[2 * to_step] = e + o;
    to[3 * to_step] = e2 + o2;
    to[4 * to_step] = e2 - o2;
    to[5 * to_step] = g2;
}

/* 6 -> 3: G^T u */
PT_INLINE void pt_gradient_1d(const pt_lanes *from, int step, pt_lanes *to, int to_step)
{
    pt_lanes u0 = from[0], u5 = from[5 * step];
    pt_lanes s1 = from[step] + from[2 * step], d1 = from[2 * step] - from[step];
    pt_lanes s2 = from[3 * step] + from[4 * step], d2 = from[3 * step] - from[4 * step];

    to[0] = u0 * 0.25f - s1 * (1.0f / 6) + s2 * (1.0f / 24);
    to[to_step] = d1 * (1.0f / 6) + d2 * (1.0f / 12);
    to[2 * to_step] = (s2 - s1) * (1.0f / 6) + u5;
}

/* Two dimensions: from [n][n] to [m][m], tmp [m][n]. */
#define PT_TRANSFORM_2D(name, one, n, m)                                                 \
    PT_INLINE void name(const pt_lanes *from, pt_lanes *to)                              \
    {                                                                                    \
        pt_lanes tmp[(m) * (n)];                                                         \
                                                                                         \
        for (int j = 0; j < (n); j++) one(from + j, n, tmp + j, n);                      \
        for (int i = 0; i < (m); i++) one(tmp + i * (n), 1, to + i * (m), 1);            \
    }

PT_TRANSFORM_2D(pt_transform_input, pt_input_1d, 6, 6)
PT_TRANSFORM_2D(pt_transform_output, pt_output_1d, 6, 4)
PT_TRANSFORM_2D(pt_transform_spread, pt_spread_1d, 4, 6)
PT_TRANSFORM_2D(pt_transform_filter, pt_filter_1d, 3, 6)
PT_TRANSFORM_2D(pt_transform_gradient, pt_gradient_1d, 6, 3)

/* ---- for winograd_lanes.h --------------------------------------------------------- */

PT_INLINE void filter_lanes(const float *taps, size_t tap_step, size_t row_step, size_t n,
                            size_t rows, size_t point_step, float *to)
{
    for (size_t i = 0; i < rows; i++, taps += row_step, to += PT_PANEL) {
        pt_lanes g[9], u[PT_POINTS];

        for (int t = 0; t < 9; t++) g[t] = pt_load(taps + (size_t)t * tap_step, n);
        pt_transform_filter(g, u);
        for (int t = 0; t < PT_POINTS; t++)
            pt_store(to + (size_t)t * point_step, u[t], PT_LANES);
    }
}

LANE_FUNCTION void filter(const float *taps, size_t tap_step, size_t row_step, size_t n,
                          size_t rows, size_t point_step, float *to)
{
    for (size_t c = 0; c < PT_PANEL; c += PT_LANES) {
        if (c + PT_LANES <= n)
            filter_lanes(taps + c, tap_step, row_step, PT_LANES, rows, point_step,
                         to + c);
        else
            filter_lanes(taps + c, tap_step, row_step, n > c ? n - c : 0, rows,
                         point_step, to + c);
    }
}

PT_INLINE void input_lanes(const pt_values pixel[PT_POINTS], bool bf16, size_t c,
                           size_t n, size_t point_step, float *v)
{
    pt_lanes d[PT_POINTS], t[PT_POINTS], zero = {0};

    for (int i = 0; i < PT_POINTS; i++) {
        pt_values x = {pixel[i].at, bf16};

        d[i] = x.at ? pt_values_load(pt_values_from(x, c), n) : zero;
    }
    pt_transform_input(d, t);
    for (int i = 0; i < PT_POINTS; i++) pt_store(v + (size_t)i * point_step, t[i], n);
}

PT_INLINE void input_channels(const pt_values pixel[PT_POINTS], bool bf16, size_t first,
                              size_t n, size_t point_step, float *v)
{
    size_t c = 0;

    for (; c + PT_LANES <= n; c += PT_LANES)
        input_lanes(pixel, bf16, first + c, PT_LANES, point_step, v + c);
    if (c < n) input_lanes(pixel, bf16, first + c, n - c, point_step, v + c);
}

LANE_FUNCTION void input(const pt_values pixel[PT_POINTS], bool bf16, size_t first,
                         size_t n, size_t point_step, float *v)
{
    if (bf16)
        input_channels(pixel, true, first, n, point_step, v);
    else
        input_channels(pixel, false, first, n, point_step, v);
}

/* One tile of the output for n <= PT_LANES channels from `c`. */
PT_INLINE void output_lanes(const pt_winograd_output *o, bool bf16, size_t image, int row,
                            int column, size_t c, size_t n, const float *m, size_t step)
{
    const pt_conv_shape *s = o->s;
    pt_lanes t[PT_POINTS], y[PT_TILE * PT_TILE], zero = {0};
    pt_lanes bias = o->bias ? pt_load(o->bias + c, n) : zero;

    for (int i = 0; i < PT_POINTS; i++) t[i] = pt_load(m + (size_t)i * step, PT_LANES);
    pt_transform_output(t, y);
    for (int i = 0; i < PT_TILE && row + i < s->out_h; i++)
        for (int j = 0; j < PT_TILE && column + j < s->out_w; j++) {
            size_t at =
                (image * (size_t)s->out_h + (size_t)(row + i)) * (size_t)s->out_w +
                (size_t)(column + j);
            pt_values to = {o->y.at, bf16};
            pt_lanes v = y[i * PT_TILE + j];

            at = at * (size_t)s->c_out + c;
            to = pt_values_from(to, at);
            if (o->bias) v += bias;
            if (o->accumulate) v += pt_values_load(to, n);
            if (o->relu) v = pt_above_zero(v);
            if (o->mask.at)
                v = pt_where_positive(pt_values_load(pt_values_from(o->mask, at), n), v);
            pt_values_store(to, v, n);
        }
}

PT_INLINE void output_channels(const pt_winograd_output *o, bool bf16, size_t image,
                               int row, int column, size_t first, size_t n,
                               const float *m, size_t step)
{
    size_t c = 0;

    for (; c + PT_LANES <= n; c += PT_LANES)
        output_lanes(o, bf16, image, row, column, first + c, PT_LANES, m + c, step);
    if (c < n) output_lanes(o, bf16, image, row, column, first + c, n - c, m + c, step);
}

LANE_FUNCTION void output(const pt_winograd_output *o, size_t image, int row, int column,
                          size_t first, size_t n, const float *m, size_t step)
{
    if (o->y.bf16)
        output_channels(o, true, image, row, column, first, n, m, step);
    else
        output_channels(o, false, image, row, column, first, n, m, step);
}

/* n <= PT_LANES channels; lanes from n on become 0. */
PT_INLINE void spread_lanes(const pt_conv_shape *s, pt_values dy, int row, int column,
                            size_t n, size_t step, float *z)
{
    pt_lanes y[PT_TILE * PT_TILE], t[PT_POINTS], zero = {0};

    for (int i = 0; i < PT_TILE; i++)
        for (int j = 0; j < PT_TILE; j++) {
            bool inside = row + i < s->out_h && column + j < s->out_w;
            size_t at = (size_t)(row + i) * (size_t)s->out_w + (size_t)(column + j);

            y[i * PT_TILE + j] =
                inside ? pt_values_load(pt_values_from(dy, at * (size_t)s->c_out), n)
                       : zero;
        }
    pt_transform_spread(y, t);
    for (int i = 0; i < PT_POINTS; i++) pt_store(z + (size_t)i * step, t[i], PT_LANES);
}

PT_INLINE void spread_channels(const pt_conv_shape *s, pt_values dy, int row, int column,
                               size_t n, size_t panel_step, size_t step, float *z)
{
    for (size_t c = 0; c < pt_gemm_panels(n) * PT_PANEL; c += PT_LANES) {
        pt_values from = pt_values_from(dy, c);
        float *to = z + c / PT_PANEL * panel_step + c % PT_PANEL;

        if (c + PT_LANES <= n)
            spread_lanes(s, from, row, column, PT_LANES, step, to);
        else
            spread_lanes(s, from, row, column, n > c ? n - c : 0, step, to);
    }
}

LANE_FUNCTION void spread(const pt_conv_shape *s, pt_values dy, int row, int column,
                          size_t n, size_t panel_step, size_t step, float *z)
{
    if (dy.bf16)
        spread_channels(s, (pt_values){dy.at, true}, row, column, n, panel_step, step, z);
    else
        spread_channels(s, (pt_values){dy.at, false}, row, column, n, panel_step, step,
                        z);
}

LANE_FUNCTION void gradient(const float *u, size_t step, size_t n_in, size_t n_out,
                            float *out)
{
    size_t columns = pt_gemm_panels(n_out) * PT_PANEL;

    for (size_t i = 0; i < n_in; i++)
        for (size_t j = 0; j < n_out; j += PT_LANES) {
            const float *from = u + i * columns + j;
            size_t n = pt_min_size(PT_LANES, n_out - j);
            pt_lanes v[PT_POINTS], g[9];

            for (size_t k = 0; k < PT_POINTS; k++)
                v[k] = pt_load(from + k * step, PT_LANES);
            pt_transform_gradient(v, g);
            for (size_t k = 0; k < 9; k++)
                pt_store(out + (k * n_in + i) * n_out + j, g[k], n);
        }
}

#define PT_WINOGRAD_LANES                                                                \
    {                                                                                    \
        .filter = filter, .input = input, .output = output, .spread = spread,            \
        .gradient = gradient                                                             \
    }

#endif
