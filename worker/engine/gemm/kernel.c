#include "worker/engine/gemm/kernel.h"

#include <stdio.h>

#include "worker/engine/gemm/gemm_blas.h"
#include "worker/engine/gemm/gemm_path.h"

const char *pt_kernel_identity(pt_kernel m)
{
    if (m == PT_BLAS) return pt_blas_describe();
    return m == PT_WINOGRAD ? "exact, Winograd" : "exact";
}

const char *pt_kernel_describe(pt_kernel m)
{
    static _Thread_local char text[64];

    if (m == PT_BLAS) return pt_blas_describe();
    snprintf(text, sizeof text, "%s (%s)", pt_kernel_identity(m),
             pt_gemm_path_in_use()->name);
    return text;
}
