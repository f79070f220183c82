#include "common/gemm/pack_bf16.h"

#include <stdint.h>
#include <string.h>

#include "common/base/bf16.h"
#include "common/base/simd.h"

/* ---- numbers ---------------------------------------------------------------------- */

static inline uint32_t bits_of(float x)
{
    uint32_t u;

    memcpy(&u, &x, sizeof u);
    return u;
}

static inline float float_of(uint32_t u)
{
    float x;

    memcpy(&x, &u, sizeof x);
    return x;
}

static inline uint32_t operand(float x)
{
    return pt_bf16_operand(bits_of(x));
}

static inline float pair(float even, float odd)
{
    return float_of(operand(even) >> 16 | operand(odd));
}

/* ---- packing ---------------------------------------------------------------------- */

/* Term p and the next one of n rows or columns; odd NULL: the last term has no partner.
 */
PT_CLONES static void pair_lines(const float *restrict even, const float *restrict odd,
                                 size_t n, float *restrict to)
{
    if (odd)
        for (size_t i = 0; i < n; i++) to[i] = pair(even[i], odd[i]);
    else
        for (size_t i = 0; i < n; i++) to[i] = pair(even[i], 0);
}

static const float *partner(const float *line, size_t ld, size_t p, size_t k)
{
    return p + 1 < k ? line + ld : NULL;
}

static void pack_rows(size_t k, const float *b, size_t ldb, float *to)
{
    for (size_t p = 0; p < k; p += 2, b += 2 * ldb, to += PT_PANEL)
        pair_lines(b, partner(b, ldb, p, k), PT_PANEL, to);
}

/* Sixteen rows of b, each of k floats, become columns. */
PT_CLONES static void pack_columns(size_t k, const float *b, size_t ldb, float *to)
{
    size_t p = 0;

    for (; p + 2 * PT_PANEL <= k; p += 2 * PT_PANEL, to += PT_PANEL * PT_PANEL)
        for (size_t j = 0; j < PT_PANEL; j++) {
            const float *from = b + j * ldb + p;

            for (size_t i = 0; i < PT_PANEL; i++)
                to[i * PT_PANEL + j] = pair(from[2 * i], from[2 * i + 1]);
        }
    for (; p < k; p += 2, to += PT_PANEL)
        for (size_t j = 0; j < PT_PANEL; j++) {
            const float *from = b + j * ldb + p;

            to[j] = pair(from[0], p + 1 < k ? from[1] : 0);
        }
}

static void pack_ragged(pt_trans tb, size_t k, size_t n, const float *b, size_t ldb,
                        float *to)
{
    size_t step_p = tb == PT_N ? ldb : 1, step_j = tb == PT_N ? 1 : ldb;

    memset(to, 0, pt_gemm_pairs(k) * PT_PANEL * sizeof *to);
    for (size_t p = 0; p < k; p += 2, to += PT_PANEL)
        for (size_t j = 0; j < n; j++) {
            const float *from = b + p * step_p + j * step_j;

            to[j] = pair(from[0], p + 1 < k ? from[step_p] : 0);
        }
}

void pt_gemm_pack_bf16(pt_trans tb, size_t k, size_t n, const float *b, size_t ldb,
                       size_t first, size_t count, size_t panel_step, float *packed)
{
    for (size_t i = first; i < first + count; i++) {
        size_t j = i * PT_PANEL;
        const float *from = b + (tb == PT_N ? j : j * ldb);
        float *to = packed + i * panel_step;

        if (n - j < PT_PANEL)
            pack_ragged(tb, k, n - j, from, ldb, to);
        else if (tb == PT_N)
            pack_rows(k, from, ldb, to);
        else
            pack_columns(k, from, ldb, to);
    }
}

/* ---- blocks ----------------------------------------------------------------------- */

PT_CLONES static void pair_row(const float *restrict a, size_t k, float *restrict to)
{
    for (size_t q = 0; q < k / 2; q++) to[q] = pair(a[2 * q], a[2 * q + 1]);
    if (k % 2) to[k / 2] = pair(a[k - 1], 0);
}

PT_CLONES static void split_row(const float *restrict a, size_t k, float *restrict to)
{
    for (size_t q = 0; q < k / 2; q++) {
        to[2 * q] = float_of(operand(a[2 * q + 1]));
        to[2 * q + 1] = float_of(operand(a[2 * q]));
    }
    if (k % 2) {
        to[k - 1] = 0;
        to[k] = float_of(operand(a[k - 1]));
    }
}

void pt_bf16_block_rows(bool pairs, size_t rows, size_t k, const float *a, size_t lda,
                        float *to, size_t step)
{
    for (size_t i = 0; i < rows; i++)
        (pairs ? pair_row : split_row)(a + i * lda, k, to + i * step);
}

/* The next term, which comes first, and this one; odd NULL: zeros. */
PT_CLONES static void split_lines(const float *restrict even, const float *restrict odd,
                                  size_t n, float *restrict to, float *restrict next)
{
    if (odd)
        for (size_t i = 0; i < n; i++) to[i] = float_of(operand(odd[i]));
    else
        memset(to, 0, n * sizeof *to);
    for (size_t i = 0; i < n; i++) next[i] = float_of(operand(even[i]));
}

void pt_bf16_block_columns(bool pairs, size_t rows, size_t k, const float *a, size_t lda,
                           float *to, size_t step)
{
    for (size_t p = 0; p < k; p += 2, a += 2 * lda) {
        const float *odd = partner(a, lda, p, k);

        if (pairs)
            pair_lines(a, odd, rows, to + p / 2 * step);
        else
            split_lines(a, odd, rows, to + p * step, to + (p + 1) * step);
    }
}

/* ---- what is stored as bfloat16 ---------------------------------------------------- */

static inline float stored_pair(uint16_t even, uint16_t odd)
{
    return float_of(even | (uint32_t)odd << 16);
}

/* pair_lines and split_lines of stored numbers. */
PT_CLONES static void stored_pairs(const uint16_t *restrict even,
                                   const uint16_t *restrict odd, size_t n,
                                   float *restrict to)
{
    if (odd)
        for (size_t i = 0; i < n; i++) to[i] = stored_pair(even[i], odd[i]);
    else
        for (size_t i = 0; i < n; i++) to[i] = stored_pair(even[i], 0);
}

PT_CLONES static void stored_lines(const uint16_t *restrict even,
                                   const uint16_t *restrict odd, size_t n,
                                   float *restrict to, float *restrict next)
{
    if (odd)
        for (size_t i = 0; i < n; i++) to[i] = stored_pair(0, odd[i]);
    else
        memset(to, 0, n * sizeof *to);
    for (size_t i = 0; i < n; i++) next[i] = stored_pair(0, even[i]);
}

static const uint16_t *stored_partner(const uint16_t *line, size_t ld, size_t p, size_t k)
{
    return p + 1 < k ? line + ld : NULL;
}

void pt_gemm_pack_stored(size_t k, size_t n, const uint16_t *b, size_t ldb, size_t first,
                         size_t count, size_t panel_step, float *packed)
{
    for (size_t i = first; i < first + count; i++) {
        size_t j = i * PT_PANEL, columns = n - j < PT_PANEL ? n - j : PT_PANEL;
        const uint16_t *from = b + j;
        float *to = packed + i * panel_step;

        for (size_t p = 0; p < k; p += 2, from += 2 * ldb, to += PT_PANEL) {
            if (columns < PT_PANEL) memset(to, 0, PT_PANEL * sizeof *to);
            stored_pairs(from, stored_partner(from, ldb, p, k), columns, to);
        }
    }
}

PT_CLONES static void stored_row(bool pairs, const uint16_t *restrict a, size_t k,
                                 float *restrict to)
{
    size_t whole = k / 2;

    if (pairs) {
        memcpy(to, a, whole * sizeof *to);
        if (k % 2) to[whole] = stored_pair(a[k - 1], 0);
        return;
    }
    for (size_t q = 0; q < whole; q++) {
        to[2 * q] = stored_pair(0, a[2 * q + 1]);
        to[2 * q + 1] = stored_pair(0, a[2 * q]);
    }
    if (k % 2) {
        to[k - 1] = 0;
        to[k] = stored_pair(0, a[k - 1]);
    }
}

void pt_bf16_stored_rows(bool pairs, size_t rows, size_t k, const uint16_t *a, size_t lda,
                         float *to, size_t step)
{
    for (size_t i = 0; i < rows; i++) stored_row(pairs, a + i * lda, k, to + i * step);
}

void pt_bf16_stored_columns(bool pairs, size_t rows, size_t k, const uint16_t *a,
                            size_t lda, float *to, size_t step)
{
    for (size_t p = 0; p < k; p += 2, a += 2 * lda) {
        const uint16_t *odd = stored_partner(a, lda, p, k);

        if (pairs)
            stored_pairs(a, odd, rows, to + p / 2 * step);
        else
            stored_lines(a, odd, rows, to + p * step, to + (p + 1) * step);
    }
}

/* ---- panels ------------------------------------------------------------------------ */

PT_CLONES void pt_bf16_split_panel(const float *restrict panel, size_t n_pairs,
                                   float *restrict to)
{
    for (size_t q = 0; q < n_pairs; q++, panel += PT_PANEL, to += 2 * PT_PANEL)
        for (size_t j = 0; j < PT_PANEL; j++) {
            uint32_t u = bits_of(panel[j]);

            to[j] = float_of(u & 0xffff0000);
            to[PT_PANEL + j] = float_of(u << 16);
        }
}
