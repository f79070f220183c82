/* Matrix products by a CBLAS library: the only place that knows it. For sites with a
 * vendor's library (engine.gemm: blas, the table pt_gemm_blas), and what
 * tests and benchmarks compare with.
 *
 * The library rounds as it likes: the bits of a product change with its shape, with the
 * library and with the CPU, so a run by it has no promise of bits. Local; no allocation;
 * any thread: each that calls sets OpenBLAS to one thread. */
#ifndef PT_WORKER_ENGINE_GEMM_GEMM_BLAS_H
#define PT_WORKER_ENGINE_GEMM_GEMM_BLAS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/gemm/gemm.h"
#include "common/gemm/gemm_path.h"

extern const pt_gemm_path pt_gemm_blas;

/* C [m][n] = op(A) op(B) (+ C if accumulate), row-major, leading dimensions in floats.
 * op(A) is [m][k], op(B) is [k][n]. */
void pt_blas_gemm(pt_trans ta, pt_trans tb, size_t m, size_t n, size_t k, const float *a,
                  size_t lda, const float *b, size_t ldb, bool accumulate, float *c,
                  size_t ldc);

/* "OpenBLAS 0.3.21 SkylakeX": the library and the kernels that it chose for this CPU.
 * Thread's own storage, until its next call. */
const char *pt_blas_describe(void);

#endif
