/* The inner loops of the exact product and their table, one source for every instruction
 * set. The file that includes it defines
 *
 *     PT_TILE_ROWS, PT_TILE_PANELS     of the largest tile: 6 and 1, or 14 and 2
 *     LANES                            floats of a vector
 *     vec, lane_mask                   LANES floats, LANES ints
 *     vec everywhere(float x)          x in all lanes
 *     vec fused(vec a, vec b, vec c)   a * b + c in one rounding, lane by lane
 *
 *     PT_TILE_OWN_ENDS                 if it defines the ends of a chain itself:
 *     vec started(vec c)               what a chain starts from, for c in memory
 *     vec joined(vec a, vec b)         a + b, of C and a whole chain
 *
 * and its path by PT_GEMM_PATH(symbol, name). Numbers of rows and panels are constants in
 * every copy of a loop, so that the sums stay in registers. A float of A or B is a term;
 * for instructions on pairs of bfloat16 (gemm_bf16.h) it is a pair that `fused` takes. */
enum {
    TILE_ROWS = PT_TILE_ROWS,
    TILE_PANELS = PT_TILE_PANELS,
    PER_PANEL = PT_PANEL / LANES,
    ROWS_OF_BASE = 3
};

/* sum[row][vector] */
typedef vec sums[TILE_ROWS][TILE_PANELS * PER_PANEL];

PT_INLINE vec load(const float *p)
{
    vec v;

    memcpy(&v, p, sizeof v);
    return v;
}

PT_INLINE size_t panel_of(int v)
{
    return (size_t)(v / PER_PANEL);
}

PT_INLINE size_t lane_of(int v)
{
    return (size_t)(v % PER_PANEL) * LANES;
}

#ifndef PT_TILE_OWN_ENDS
PT_INLINE vec started(vec c)
{
    return c;
}

PT_INLINE vec joined(vec a, vec b)
{
    return a + b;
}
#endif

PT_INLINE void begin(const pt_gemm_tile *t, int rows, int panels, sums s)
{
    vec zero = {0};

    PT_UNROLL(16)
    for (int i = 0; i < rows; i++) {
        const float *from = t->from ? t->from + (size_t)i * t->from_step : NULL;

        PT_UNROLL(8)
        for (int v = 0; v < panels * PER_PANEL; v++)
            s[i][v] =
                from ? started(load(from + panel_of(v) * PT_PANEL + lane_of(v))) : zero;
    }
}

/* Below 0 becomes 0; NaN stays, as in pt_activate. */
PT_INLINE vec above_zero(vec v)
{
    vec zero = {0};
    lane_mask below = zero > v;

    return (vec)((lane_mask)v & ~below);
}

PT_INLINE void finish(const pt_gemm_tile *t, int rows, int panels, sums s)
{
    PT_UNROLL(16)
    for (int i = 0; i < rows; i++) {
        float *to = t->c + (size_t)i * t->ldc;

        PT_UNROLL(8)
        for (int v = 0; v < panels * PER_PANEL; v++) {
            float *at = to + panel_of(v) * PT_PANEL + lane_of(v);
            vec y = t->relu ? above_zero(s[i][v]) : s[i][v];

            if (t->add) y = joined(load(at), y);
            memcpy(at, &y, sizeof y);
        }
    }
}

/* Rows of A are reached from a base for every three of them: the addresses fit into the
 * scalar registers. */
PT_INLINE void tile(const pt_gemm_tile *t, int rows, int panels, bool by_column)
{
    sums s;
    const float *a = t->a, *b = t->b, *base[TILE_ROWS / ROWS_OF_BASE + 1];
    size_t lda = t->lda;

    begin(t, rows, panels, s);
    PT_UNROLL(8)
    for (int g = 0; g <= (rows - 1) / ROWS_OF_BASE; g++)
        base[g] = a + (size_t)g * ROWS_OF_BASE * lda;
    for (size_t k = 0; k < t->k; k++) {
        vec w[TILE_PANELS * PER_PANEL];

        PT_UNROLL(8)
        for (int v = 0; v < panels * PER_PANEL; v++)
            w[v] = load(b + panel_of(v) * t->panel_step + lane_of(v));
        PT_UNROLL(16)
        for (int i = 0; i < rows; i++) {
            const float *row =
                by_column ? a + i : base[i / ROWS_OF_BASE] + (i % ROWS_OF_BASE) * lda;
            vec x = everywhere(*row);

            PT_UNROLL(8)
            for (int v = 0; v < panels * PER_PANEL; v++)
                s[i][v] = fused(x, w[v], s[i][v]);
        }
        b += PT_PANEL;
        if (by_column) {
            a += lda;
        } else {
            PT_UNROLL(8)
            for (int g = 0; g <= (rows - 1) / ROWS_OF_BASE; g++) base[g]++;
        }
    }
    finish(t, rows, panels, s);
}

/* The nearest bfloat16, ties to even; NaN stays: pt_bf16_round. */
PT_INLINE vec nearest_bf16(vec x)
{
    typedef unsigned bits __attribute__((vector_size(sizeof(vec))));
    bits u = (bits)x, is_nan = (bits)((u & 0x7fffffffu) > 0x7f800000u);
    bits carried = u + 0x7fffu + (u >> 16 & 1u), quiet = u | 0x400000u;

    return (vec)(((carried & ~is_nan) | (quiet & is_nan)) & 0xffff0000u);
}

/* One leaf of pt_gemm_outer. */
PT_INLINE void outer_leaf(const pt_gemm_outer *t, int rows, int terms, const float *x,
                          const float *dy, vec s[TILE_ROWS][PER_PANEL])
{
    vec zero = {0};

    PT_UNROLL(16)
    for (int i = 0; i < rows; i++) {
        PT_UNROLL(8)
        for (int v = 0; v < PER_PANEL; v++) s[i][v] = zero;
    }
    for (int p = 0; p < terms; p++, x += t->ldx, dy += PT_PANEL) {
        vec w[PER_PANEL];

        PT_UNROLL(8)
        for (int v = 0; v < PER_PANEL; v++) w[v] = load(dy + lane_of(v));
        PT_UNROLL(16)
        for (int i = 0; i < rows; i++) {
            vec a = everywhere(x[i]);

            PT_UNROLL(8)
            for (int v = 0; v < PER_PANEL; v++) s[i][v] = fused(a, w[v], s[i][v]);
        }
    }
}

PT_INLINE void round_all(int rows, vec s[TILE_ROWS][PER_PANEL])
{
    PT_UNROLL(16)
    for (int i = 0; i < rows; i++) {
        PT_UNROLL(8)
        for (int v = 0; v < PER_PANEL; v++) s[i][v] = nearest_bf16(s[i][v]);
    }
}

PT_INLINE void outer(const pt_gemm_outer *t, int rows)
{
    vec open[PT_MAX_OPEN][TILE_ROWS][PER_PANEL], s[TILE_ROWS][PER_PANEL];
    int n_open = 0, leaf = 0;
    size_t term = 0;

    do {
        outer_leaf(t, rows, t->terms[leaf], t->x + term * t->ldx, t->dy + term * PT_PANEL,
                   s);
        if (t->bf16) round_all(rows, s);
        term += (size_t)t->terms[leaf];
        for (int m = 0; m < t->merges[leaf]; m++) {
            n_open--;
            PT_UNROLL(16)
            for (int i = 0; i < rows; i++) {
                PT_UNROLL(8)
                for (int v = 0; v < PER_PANEL; v++)
                    s[i][v] = open[n_open][i][v] + s[i][v];
            }
            if (t->bf16) round_all(rows, s);
        }
        if (leaf + 1 == t->n_leaves) break;
        PT_UNROLL(16)
        for (int i = 0; i < rows; i++) {
            PT_UNROLL(8)
            for (int v = 0; v < PER_PANEL; v++) open[n_open][i][v] = s[i][v];
        }
        n_open++;
    } while (++leaf < t->n_leaves);
    PT_UNROLL(16)
    for (int i = 0; i < rows; i++) {
        PT_UNROLL(8)
        for (int v = 0; v < PER_PANEL; v++)
            memcpy(t->out + (size_t)i * t->ldo + lane_of(v), &s[i][v], sizeof s[i][v]);
    }
}

/* ---- the table: a copy of each loop for every number of rows and panels ----------- */

#define PT_LOOPS(R, P)                                                                   \
    static void row_##R##_##P(const pt_gemm_tile *t)                                     \
    {                                                                                    \
        tile(t, R, P, false);                                                            \
    }                                                                                    \
    static void column_##R##_##P(const pt_gemm_tile *t)                                  \
    {                                                                                    \
        tile(t, R, P, true);                                                             \
    }
#define PT_OUTER(R)                                                                      \
    static void outer_##R(const pt_gemm_outer *t)                                        \
    {                                                                                    \
        outer(t, R);                                                                     \
    }

#define PT_6_ROWS(F) F(1) F(2) F(3) F(4) F(5) F(6)
#if PT_TILE_ROWS == 14
#define PT_ROWS(F) PT_6_ROWS(F) F(7) F(8) F(9) F(10) F(11) F(12) F(13) F(14)
#else
#define PT_ROWS(F) PT_6_ROWS(F)
#endif

#if PT_TILE_PANELS == 2
#define PT_PANELS(R)    PT_LOOPS(R, 1) PT_LOOPS(R, 2)
#define PT_BY_ROW(R)    [R - 1] = {row_##R##_1, row_##R##_2},
#define PT_BY_COLUMN(R) [R - 1] = {column_##R##_1, column_##R##_2},
#else
#define PT_PANELS(R)    PT_LOOPS(R, 1)
#define PT_BY_ROW(R)    [R - 1] = {row_##R##_1},
#define PT_BY_COLUMN(R) [R - 1] = {column_##R##_1},
#endif
#define PT_BY_OUTER(R) [R - 1] = outer_##R,

PT_ROWS(PT_PANELS)
PT_ROWS(PT_OUTER)

#define PT_GEMM_PATH(symbol, text)                                                       \
    const pt_gemm_path symbol = {.name = text,                                           \
                                 .rows = TILE_ROWS,                                      \
                                 .panels = TILE_PANELS,                                  \
                                 .by_row = {PT_ROWS(PT_BY_ROW)},                         \
                                 .by_column = {PT_ROWS(PT_BY_COLUMN)},                   \
                                 .outer = {PT_ROWS(PT_BY_OUTER)}};
