/* The transforms of Winograd F(4x4,3x3), for sixteen channels at a time (lanes.h). Names
 * of matrices as in Lavin & Gray: B^T d B (input), G g G^T (filter), A^T m A (output),
 * and the adjoints of the last two for the gradient of the weights. Internal. */
#ifndef PT_WORKER_ENGINE_CONV_WINOGRAD_TRANSFORM_H
#define PT_WORKER_ENGINE_CONV_WINOGRAD_TRANSFORM_H

#include "common/gemm/lanes.h"

enum { PT_TILE = 4, PT_PATCH = 6, PT_POINTS = PT_PATCH * PT_PATCH };

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

#endif
