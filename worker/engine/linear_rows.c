#include "worker/engine/linear_rows.h"

#include "worker/engine/lanes.h"

enum { DEPTH = 256, ROWS = 4, STEP = 4 };

/* sum [rows][n] += x [rows][STEP] w [STEP][n], one product after the other. */
PT_INLINE void step_lanes(int rows, int step, size_t n, float (*sum)[PT_ROWS_COLUMNS],
                          size_t c, const float *x, size_t ld_x, const float *w,
                          size_t ld_w)
{
    pt_lanes v[STEP];

    for (int k = 0; k < step; k++) v[k] = pt_load(w + (size_t)k * ld_w + c, n);
    for (int r = 0; r < rows; r++) {
        pt_lanes s = pt_load(&sum[r][c], n);

        for (int k = 0; k < step; k++) s += x[(size_t)r * ld_x + (size_t)k] * v[k];
        pt_store(&sum[r][c], s, n);
    }
}

PT_INLINE void step_columns(int rows, int step, size_t n, float (*sum)[PT_ROWS_COLUMNS],
                            const float *x, size_t ld_x, const float *w, size_t ld_w)
{
    size_t c = 0;

    for (; c + PT_LANES <= n; c += PT_LANES) {
        step_lanes(rows, step, PT_LANES, sum, c, x, ld_x, w, ld_w);
    }
    if (c < n) step_lanes(rows, step, n - c, sum, c, x, ld_x, w, ld_w);
}

/* One block of inputs for up to ROWS rows: y (+)= x w. */
PT_INLINE void forward_block(int rows, size_t n_in, size_t n, const float *x, size_t ld_x,
                             const float *w, size_t ld_out, bool first, float *y)
{
    float sum[ROWS][PT_ROWS_COLUMNS];
    size_t k = 0;

    for (int r = 0; r < rows; r++) memset(sum[r], 0, n * sizeof **sum);
    for (; k + STEP <= n_in; k += STEP) {
        step_columns(rows, STEP, n, sum, x + k, ld_x, w + k * ld_out, ld_out);
    }
    for (; k < n_in; k++) {
        step_columns(rows, 1, n, sum, x + k, ld_x, w + k * ld_out, ld_out);
    }
    for (int r = 0; r < rows; r++) {
        float *to = y + (size_t)r * ld_out;

        for (size_t c = 0; c < n; c++) to[c] = first ? sum[r][c] : to[c] + sum[r][c];
    }
}

PT_CLONES void pt_rows_forward(size_t n_rows, size_t n_in, size_t n, size_t ld_out,
                               const float *x, const float *w, const float *bias,
                               float *y)
{
    for (size_t r = 0; bias && r < n_rows; r++) {
        memcpy(y + r * ld_out, bias, n * sizeof *y);
    }
    for (size_t k = 0; k < n_in; k += DEPTH) {
        size_t depth = n_in - k < DEPTH ? n_in - k : DEPTH;
        const float *block = w + k * ld_out;
        bool first = !bias && k == 0;

        for (size_t r = 0; r < n_rows; r += ROWS) {
            const float *from = x + r * n_in + k;
            float *to = y + r * ld_out;

            if (n_rows - r >= ROWS) {
                forward_block(ROWS, depth, n, from, n_in, block, ld_out, first, to);
            } else if (n_rows - r == 3) {
                forward_block(3, depth, n, from, n_in, block, ld_out, first, to);
            } else if (n_rows - r == 2) {
                forward_block(2, depth, n, from, n_in, block, ld_out, first, to);
            } else {
                forward_block(1, depth, n, from, n_in, block, ld_out, first, to);
            }
        }
    }
}

PT_INLINE float sum_lanes(pt_lanes v)
{
    float s[PT_LANES];

    memcpy(s, &v, sizeof s);
    for (int half = PT_LANES / 2; half > 0; half /= 2) {
        for (int i = 0; i < half; i++) s[i] += s[i + half];
    }
    return s[0];
}

PT_INLINE void dot_lanes(int rows, int columns, size_t n, const float *dy, const float *w,
                         size_t ld, pt_lanes sum[ROWS][STEP])
{
    pt_lanes v[STEP];

    for (int c = 0; c < columns; c++) v[c] = pt_load(w + (size_t)c * ld, n);
    for (int r = 0; r < rows; r++) {
        pt_lanes d = pt_load(dy + (size_t)r * ld, n);

        for (int c = 0; c < columns; c++) sum[r][c] += d * v[c];
    }
}

/* dx [rows][columns] (+)= dy w^T. */
PT_INLINE void backward_block(int rows, int columns, size_t n_out, const float *dy,
                              const float *w, bool accumulate, float *dx, size_t ld_in)
{
    pt_lanes sum[ROWS][STEP] = {{{0}}};
    size_t o = 0;

    for (; o + PT_LANES <= n_out; o += PT_LANES) {
        dot_lanes(rows, columns, PT_LANES, dy + o, w + o, n_out, sum);
    }
    if (o < n_out) dot_lanes(rows, columns, n_out - o, dy + o, w + o, n_out, sum);
    for (int r = 0; r < rows; r++) {
        for (int c = 0; c < columns; c++) {
            float *to = dx + (size_t)r * ld_in + c, s = sum_lanes(sum[r][c]);

            *to = accumulate ? *to + s : s;
        }
    }
}

PT_INLINE void backward_rows(int columns, size_t n_rows, size_t n_out, const float *dy,
                             const float *w, bool accumulate, float *dx, size_t ld_in)
{
    size_t r = 0;

    for (; r + ROWS <= n_rows; r += ROWS) {
        backward_block(ROWS, columns, n_out, dy + r * n_out, w, accumulate,
                       dx + r * ld_in, ld_in);
    }
    for (; r + 2 <= n_rows; r += 2) {
        backward_block(2, columns, n_out, dy + r * n_out, w, accumulate, dx + r * ld_in,
                       ld_in);
    }
    if (r < n_rows) {
        backward_block(1, columns, n_out, dy + r * n_out, w, accumulate, dx + r * ld_in,
                       ld_in);
    }
}

PT_CLONES void pt_rows_backward(size_t n_rows, size_t n_out, size_t n, size_t ld_in,
                                const float *dy, const float *w, bool accumulate,
                                float *dx)
{
    size_t i = 0;

    for (; i + STEP <= n; i += STEP) {
        backward_rows(STEP, n_rows, n_out, dy, w + i * n_out, accumulate, dx + i, ld_in);
    }
    for (; i < n; i++) {
        backward_rows(1, n_rows, n_out, dy, w + i * n_out, accumulate, dx + i, ld_in);
    }
}
