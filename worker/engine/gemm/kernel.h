/* Which kernels compute a run. The bits of weights differ between them; those of our own
 * are the same on every machine. */
#ifndef PT_WORKER_ENGINE_GEMM_KERNEL_H
#define PT_WORKER_ENGINE_GEMM_KERNEL_H

#include <stdbool.h>

typedef enum {
    PT_WINOGRAD, /* 3x3 convolutions of stride 1 by Winograd, the rest as PT_DIRECT */
    PT_DIRECT,   /* windows times weights */
    /* The same; what is multiplied is rounded to bfloat16, but by Winograd it is not. */
    PT_WINOGRAD_BF16,
    PT_DIRECT_BF16
} pt_kernel;

static inline bool pt_kernel_winograd(pt_kernel k)
{
    return k == PT_WINOGRAD || k == PT_WINOGRAD_BF16;
}

static inline bool pt_kernel_bf16(pt_kernel k)
{
    return k == PT_WINOGRAD_BF16 || k == PT_DIRECT_BF16;
}

typedef struct {
    pt_kernel conv;
    bool blas; /* products by CBLAS (gemm_blas.h), not by the exact product (gemm.h); not
                  with bf16 */
} pt_kernels;

/* What decides the bits: "exact, Winograd", "exact", "exact bf16", "OpenBLAS 0.3.21
 * SkylakeX, Winograd; bits not promised". Thread's own storage, until its next call. */
const char *pt_kernels_identity(pt_kernels k);

/* The same with the instruction set in use: "exact, Winograd (avx2)". */
const char *pt_kernels_describe(pt_kernels k);

/* From now on pt_gemm multiplies by CBLAS if k.blas is set, in the whole process. Call it
 * while no product runs. */
void pt_kernels_use(pt_kernels k);

#endif
