/* The exact matrix product: every element of C is one chain of fused multiply-adds in the
 * order of k, starting at 0, at a bias or at C. So its bits are those of
 *
 *     for p in 0..k-1: c = fmaf(a[p], b[p], c)
 *
 * for every m, n, tiling, number of threads, vector width and CPU: products of several
 * shards or images may share a call, and work may be cut anywhere but inside k. Sums over
 * k in pieces continue the chain (accumulate).
 *
 * The kernel is chosen at run time (gemm_path.h). Local; no allocation; cannot fail; any
 * thread. Buffers do not overlap unless stated. */
#ifndef PT_COMMON_GEMM_GEMM_H
#define PT_COMMON_GEMM_GEMM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/gemm/panels.h"

/* Floats of op(B) [k][n] in panels of 16 columns, [ceil(n / 16)][k][16]; the last one
 * filled up with zeros. */
size_t pt_gemm_packed_floats(size_t k, size_t n);

/* Packs panels first .. first + count - 1 of op(B) [k][n]; panel j goes to packed +
 * j * panel_step. tb PT_N: b is [k][ldb]; PT_T: b is [n][ldb]. panel_step is 16 k, or 16
 * times the depth of a matrix of which this is a part. */
void pt_gemm_pack(pt_trans tb, size_t k, size_t n, const float *b, size_t ldb,
                  size_t first, size_t count, size_t panel_step, float *packed);

/* C [m][n] = start + op(A) B, then relu; k >= 1.
 *
 * ta           PT_N: a is [m][lda]; PT_T: a is [k][lda] and op(A) its transpose
 * b            panels as packed above; panel j begins at b + j * panel_step, so that a
 *              part of a deeper matrix can be used: rows p.. of one packed with depth K
 *              are b + 16 p with panel_step 16 K
 * bias         [n], where every chain starts; NULL: at 0, or at C where accumulate is set
 * add          the chain starts at 0 and ends in one addition to C: for sums over so many
 *              terms that one chain would lose digits; k <= PT_GEMM_DEPTH, no bias, not
 *              with accumulate or relu
 * bf16         operands in bf16: a is rounded as it is read, b was packed as pairs
 *              (pack_bf16.h), and the chain is the one of pairs (KERNELS.md)
 * stored       with bf16: A in the place of a, bfloat16 already and none of them
 *              denormal; lda counts them. NULL: a
 * c            [m][ldc] */
typedef struct pt_product {
    pt_trans ta;
    size_t m, n, k;
    const float *a;
    const uint16_t *stored;
    size_t lda;
    const float *b;
    size_t panel_step;
    const float *bias;
    bool accumulate, relu, add, bf16;
    float *c;
    size_t ldc;
} pt_product;

void pt_gemm(const pt_product *p);

#endif
