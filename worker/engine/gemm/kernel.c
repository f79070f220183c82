#include "worker/engine/gemm/kernel.h"

#include <stdio.h>

#include "common/gemm/gemm_bf16.h"
#include "common/gemm/gemm_path.h"
#include "worker/engine/gemm/gemm_blas.h"

const char *pt_kernels_identity(pt_kernels k)
{
    static _Thread_local char text[160];

    snprintf(text, sizeof text, "%s%s%s",
             k.blas                   ? pt_blas_describe()
             : pt_kernel_bf16(k.conv) ? "exact bf16"
                                      : "exact",
             pt_kernel_winograd(k.conv) ? ", Winograd" : "",
             k.blas ? "; bits not promised" : "");
    return text;
}

const char *pt_kernels_describe(pt_kernels k)
{
    static _Thread_local char text[160];

    if (k.blas) return pt_kernels_identity(k);
    snprintf(text, sizeof text, "%.96s (%s)", pt_kernels_identity(k),
             pt_kernel_bf16(k.conv) ? pt_gemm_bf16_path_in_use()->name
                                    : pt_gemm_path_in_use()->name);
    return text;
}

void pt_kernels_use(pt_kernels k)
{
    if (k.blas) pt_gemm_use(&pt_gemm_blas);
}
