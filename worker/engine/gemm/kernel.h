/* Which kernels compute a run. The bits of weights differ between methods, not between
 * machines of one method (except PT_BLAS). */
#ifndef PT_WORKER_ENGINE_GEMM_KERNEL_H
#define PT_WORKER_ENGINE_GEMM_KERNEL_H

typedef enum {
    PT_WINOGRAD, /* 3x3 convolutions of stride 1 by Winograd, the rest as PT_DIRECT */
    PT_DIRECT,   /* the exact product (gemm.h) */
    PT_BLAS      /* convolutions by CBLAS (gemm_blas.h), one call per image and block */
} pt_kernel;

/* What decides the bits: "exact, Winograd", "exact", "OpenBLAS 0.3.21 SkylakeX". */
const char *pt_kernel_identity(pt_kernel m);

/* The same with the instruction set in use: "exact, Winograd (avx2)". Thread's own
 * storage, until its next call. */
const char *pt_kernel_describe(pt_kernel m);

#endif
