/* Matrix products by a CBLAS library: the only place that knows it. For sites with a
 * vendor's library (engine.gemm: blas) and for tests to compare with.
 *
 * The bits of a product depend on its shape (m, n, k and the transpositions): OpenBLAS
 * gives other bits when rows, columns or shapes change, so callers fix the shape of every
 * call by the layer and the shard (or image) alone. */
#ifndef PT_WORKER_ENGINE_GEMM_GEMM_BLAS_H
#define PT_WORKER_ENGINE_GEMM_GEMM_BLAS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/status.h"
#include "worker/engine/gemm/gemm.h"

/* C [m][n] = op(A) op(B) (+ C if accumulate), row-major, leading dimensions in floats.
 * op(A) is [m][k], op(B) is [k][n]. Any pool thread; single-threaded. */
void pt_blas_gemm(pt_trans ta, pt_trans tb, size_t m, size_t n, size_t k, const float *a,
                  size_t lda, const float *b, size_t ldb, bool accumulate, float *c,
                  size_t ldc);

/* Once per thread that will call pt_blas_gemm: sets OpenBLAS to one thread here and
 * checks that it took effect. */
PT_MUST_USE pt_status pt_blas_thread_init(void);

/* "OpenBLAS 0.3.21 SkylakeX": recorded with the run. */
const char *pt_blas_describe(void);

/* OpenBLAS before 0.3.22 does not know newer CPUs: true and the core type to ask for
 * (OPENBLAS_CORETYPE) when this CPU has AVX-512 and the chosen core does not. main then
 * sets the variable and re-executes the program once, before MPI_Init. */
bool pt_blas_wants_core(const char **coretype);

#endif
