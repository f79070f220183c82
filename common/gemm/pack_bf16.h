/* Operands in bf16: numbers rounded as they are packed or read, for products whose chain
 * goes over pairs of terms (KERNELS.md). A bfloat16 that is denormal becomes a zero.
 *
 * Four bytes hold a pair, the even term in the lower half, where a float stands
 * otherwise. Kernels that take floats are given the two terms of a pair one after the
 * other, the odd one first. Pure. */
#ifndef PT_COMMON_GEMM_PACK_BF16_H
#define PT_COMMON_GEMM_PACK_BF16_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/gemm/panels.h"

/* Packs panels first .. first + count - 1 of op(B) [k][n] as pt_gemm_pack does, but as
 * pairs: [ceil(n / 16)][ceil(k / 2)][16] of four bytes. panel_step is 16
 * pt_gemm_pairs(k), or more for a part of a deeper matrix: rows p.., p even, are at
 * packed + 8 p. */
void pt_gemm_pack_bf16(pt_trans tb, size_t k, size_t n, const float *b, size_t ldb,
                       size_t first, size_t count, size_t panel_step, float *packed);

/* The same of b [k][ldb] that is stored as bfloat16, none of them denormal. */
void pt_gemm_pack_stored(size_t k, size_t n, const uint16_t *b, size_t ldb, size_t first,
                         size_t count, size_t panel_step, float *packed);

/* A block of A, [rows][lda] of depth k, or by column [k][lda] of `rows` columns, as pairs
 * or as floats, in the same order; line i at to + i * step. Of floats, or of bfloat16
 * that are stored, none of them denormal. */
void pt_bf16_block_rows(bool pairs, size_t rows, size_t k, const float *a, size_t lda,
                        float *to, size_t step);
void pt_bf16_block_columns(bool pairs, size_t rows, size_t k, const float *a, size_t lda,
                           float *to, size_t step);
void pt_bf16_stored_rows(bool pairs, size_t rows, size_t k, const uint16_t *a, size_t lda,
                         float *to, size_t step);
void pt_bf16_stored_columns(bool pairs, size_t rows, size_t k, const uint16_t *a,
                            size_t lda, float *to, size_t step);

/* A panel of n_pairs as floats, [2 n_pairs][16]. */
void pt_bf16_split_panel(const float *panel, size_t n_pairs, float *to);

#endif
